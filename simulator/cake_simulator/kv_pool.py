"""The KV memory of one device: blocks that prompts share, and tokens that belong to one request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence


class KVPool:
    """vLLM's prefix cache: blocks nobody refers to stay until their room is needed, least recently used first.

    Attributes:
        capacity: Tokens.
        block_tokens: Tokens of one shared block.
    """

    def __init__(self, capacity: int, block_tokens: int) -> None:
        self.capacity = capacity
        self.block_tokens = block_tokens
        self._users: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._own = 0

    @property
    def free(self) -> int:
        """Tokens that can be given out: unused, or in blocks that nobody refers to."""
        return self.capacity - self._own - len(self._users) * self.block_tokens

    @property
    def used_share(self) -> float:
        """Share of the pool that requests hold."""
        return 1 - self.free / self.capacity

    def hits(self, blocks: Sequence[int]) -> int:
        """How many of these blocks, from the first on, are here."""
        for number, block in enumerate(blocks):
            if block not in self._users and block not in self._idle:
                return number
        return len(blocks)

    def admit(self, shared: Sequence[int], own: int) -> bool:
        """Refer to blocks that are here and take tokens beside them; False, and nothing is taken, without room."""
        waking = sum(block in self._idle for block in shared)
        if own + waking * self.block_tokens > self.free:
            return False
        for block in shared:
            self._idle.pop(block, None)
            self._users[block] = self._users.get(block, 0) + 1
        return self.grow(own)

    def grow(self, tokens: int) -> bool:
        """Take tokens for one request; False, and none are taken, without room."""
        if tokens > self.free:
            return False
        self._own += tokens
        while len(self._idle) * self.block_tokens > self.free:
            self._idle.popitem(last=False)
        return True

    def share(self, block: int) -> bool:
        """Turn a block's tokens of one request into a block that others find; False where there is one already."""
        if block in self._users or block in self._idle:
            return False
        self._own -= self.block_tokens
        self._users[block] = 1
        return True

    def release(self, shared: Sequence[int], own: int) -> None:
        """A request gives back what it referred to, head first, and its own tokens: its tail leaves first."""
        self._own -= own
        for block in reversed(shared):
            self._users[block] -= 1
            if not self._users[block]:
                del self._users[block]
                self._idle[block] = None
