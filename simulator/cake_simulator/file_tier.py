"""A tier below memory, such as a shared claim: what it holds, what leaves it, and how fast it is read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import nsmallest

from pydantic import BaseModel, ConfigDict, Field
from simpy import Environment

from cake_engine.core.retention import saving, worth
from cake_simulator.stream import Stream

START, STOP = 0.95, 0.90
"""Shares of the capacity from which chunks leave and down to which they do, as the store's collector has them."""
USES_APART = 60.0
"""Seconds between two uses that are counted apart, as the store does."""


class TierSpeed(BaseModel):
    """How fast a volume is.

    Attributes:
        bytes_per_second: All that read and write at the same time share this.
        latency: Seconds before a read's or a write's bytes begin to flow.
        readers: Reads that one pod has in flight.
        writers: Writes that one pod has in flight.
        write_cost: Times that a written byte takes of the bandwidth what a read one takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    bytes_per_second: float = Field(gt=0)
    latency: float = Field(default=0.002, ge=0)
    readers: int = Field(default=8, ge=1)
    writers: int = Field(default=2, ge=1)
    write_cost: float = Field(default=1.0, gt=0)


@dataclass(slots=True)
class Kept:
    """What is known of a chunk on a tier.

    Attributes:
        used: When it was written, read or found last.
        depth: Tokens of its prefix that stand before its end.
        uses: How often it was used again, a minute or more apart.
        counted: When the last of these was.
    """

    used: float
    depth: int
    counted: float
    uses: int = 0


Leaving = Callable[[Kept, float], float]
"""The worth of a chunk at a moment: of a tier that is full, those of the least worth leave."""


def least_recently_used(kept: Kept, _: float) -> float:
    """LRU."""
    return kept.used


def worth_least(kept: Kept, now: float) -> float:
    """The store's own law."""
    return worth(saving(kept.depth), kept.uses, now - kept.used)


class FileTier:
    """Chunks by key on one stream of bytes.

    Attributes:
        name: As in the CakeDeployment.
        capacity: Chunks.
        evictions: Chunks that have left for want of room.
        stream: The volume's bytes; others may read and write there, too.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        speed: TierSpeed,
        capacity: int,
        *,
        ttl: float | None = None,
        leaving: Leaving = worth_least,
        stream: Stream | None = None,
    ) -> None:
        self.name = name
        self.speed = speed
        self.capacity = capacity
        self.evictions = 0
        self._env = env
        self._ttl = ttl
        self._leaving = leaving
        self._kept: dict[int, Kept] = {}
        self.stream = volume(env, speed) if stream is None else stream  # an idle one is empty, and so false

    def __contains__(self, key: int) -> bool:
        kept = self._kept.get(key)
        return kept is not None and (self._ttl is None or self._env.now - kept.used <= self._ttl)

    def __len__(self) -> int:
        return len(self._kept)

    def use(self, key: int) -> None:
        """A chunk was read, or found by somebody who asked: it stays longer."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self._kept[key] = kept  # last: of two of the same worth, the one that was used earlier leaves
        kept.used = now = self._env.now
        if now - kept.counted >= USES_APART:
            kept.uses, kept.counted = kept.uses + 1, now

    def written(self, key: int, depth: int = 0) -> None:
        """A chunk is there now; those of the least worth leave when the tier is full.

        Args:
            key: Of the chunk.
            depth: Tokens of its prefix that stand before its end.
        """
        now = self._env.now
        self._kept.pop(key, None)
        self._kept[key] = Kept(now, depth, now)
        if len(self._kept) > START * self.capacity:
            excess = len(self._kept) - int(STOP * self.capacity)
            worth = {one: self._leaving(kept, now) for one, kept in self._kept.items()}
            for one in nsmallest(excess, worth, key=worth.__getitem__):
                del self._kept[one]
            self.evictions += excess


def volume(env: Environment, speed: TierSpeed) -> Stream:
    """The bytes of one volume, for all tiers that are on it."""
    return Stream(env, min(speed.bytes_per_second, 1e18))
