"""A plan in service: where its chunks are, and which of them are kept in memory until they are copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cake_engine.core.chunk import Chunk
from cake_engine.core.plan import Plan
from cake_simulator.memory_tier import MemoryTier
from cake_simulator.sequence import Sequence


@dataclass(eq=False)
class ActivePlan:
    """One request's plan, told of what comes into memory.

    Attributes:
        sequence: The request.
        plan: Its plan.
        tiers: The tier of each chunk by name.
        memory: Where chunks are kept.
        copy: Begins copies as soon as a chunk is in memory. The engine begins them with its next step, which waits for
            those that it needs: for the request the same, but for the few milliseconds that one copy takes.
        near: Chunks that are kept in memory until they are copied.
        lost: Chunks that were planned to be loaded and were gone when their turn came.
    """

    sequence: Sequence
    plan: Plan
    tiers: dict[int, str]
    memory: MemoryTier
    copy: Callable[[ActivePlan], None]
    near: set[int] = field(default_factory=set)
    lost: int = 0

    def key(self, chunk: int) -> int:
        """Its identity on the tiers."""
        return self.sequence.request.blocks[chunk]

    def arrived(self, chunk: int) -> None:
        """The chunk is in memory."""
        if self.plan[chunk] is Chunk.FETCHING:
            self.keep(chunk)
            self.copy(self)

    def missing(self, chunk: int) -> None:
        """The tier did not have it."""
        if self.plan[chunk] is Chunk.FETCHING:
            self.lose(chunk)

    def keep(self, chunk: int) -> None:
        """It stays in memory until it is copied."""
        self.memory.pin(self.key(chunk))
        self.near.add(chunk)

    def pass_by(self, chunk: int) -> None:
        """It need not be copied any more."""
        self.near.discard(chunk)
        self.memory.unpin(self.key(chunk))

    def lose(self, chunk: int) -> None:
        """It will not come: it is computed."""
        if chunk in self.near:
            self.pass_by(chunk)
        self.plan.lost(chunk)
        self.lost += 1
