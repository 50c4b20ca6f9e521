"""The memory tier of one pod: chunks in CPU memory, heads leaving before tails."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence


class MemoryTier:
    """Chunks by key. What is pinned stays; the rest leaves in the order of last use, heads of a prefix first.

    Attributes:
        capacity: Chunks.
        evictions: Chunks that have left for want of room.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.evictions = 0
        self._pins: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, key: int) -> bool:
        return key in self._pins or key in self._idle

    def __len__(self) -> int:
        return len(self._pins) + len(self._idle)

    def add(self, key: int, *, pinned: bool = False) -> bool:
        """Hold a chunk; False when everything that is held is pinned."""
        if key in self:
            if pinned:
                self.pin(key)
            return True
        if len(self) >= self.capacity:
            if not self._idle:
                return False
            self._idle.popitem(last=False)
            self.evictions += 1
        if pinned:
            self._pins[key] = 1
        else:
            self._idle[key] = None
        return True

    def drop(self, key: int) -> None:
        """Give up a chunk whatever holds it: its bytes never came."""
        self._pins.pop(key, None)
        self._idle.pop(key, None)

    def pin(self, key: int) -> None:
        """Keep a chunk that is here until it is unpinned as often."""
        self._idle.pop(key, None)
        self._pins[key] = self._pins.get(key, 0) + 1

    def unpin(self, key: int) -> None:
        """Let a chunk go, as far as this user of it is concerned."""
        if key not in self._pins:
            return
        self._pins[key] -= 1
        if not self._pins[key]:
            del self._pins[key]
            self._idle[key] = None

    def used(self, keys: Sequence[int], retain_from: float = 0.0) -> None:
        """A request with these chunks, head first, has ended: its tail stays longest, its first part leaves at once.

        Args:
            keys: Of its whole prompt; those that are not here are passed over.
            retain_from: Fraction of the prompt below which chunks leave before all others.
        """
        for key in keys:
            if key in self._idle:
                self._idle.move_to_end(key)
        for key in reversed(keys[: int(retain_from * len(keys))]):
            if key in self._idle:
                self._idle.move_to_end(key, last=False)
