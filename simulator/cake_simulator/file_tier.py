"""A tier below memory, such as a shared claim: what it holds, and how fast it is read and written."""

from __future__ import annotations

from collections import OrderedDict

from pydantic import BaseModel, ConfigDict, Field
from simpy import Environment

from cake_simulator.stream import Stream

START, STOP = 0.95, 0.90
"""Shares of the capacity from which chunks leave and down to which they do, as the store's collector has them."""


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


class FileTier:
    """Chunks by key, in the order of their last use, on one stream of bytes.

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
        stream: Stream | None = None,
    ) -> None:
        self.name = name
        self.speed = speed
        self.capacity = capacity
        self.evictions = 0
        self._env = env
        self._ttl = ttl
        self._used: OrderedDict[int, float] = OrderedDict()
        self.stream = volume(env, speed) if stream is None else stream  # an idle one is empty, and so false

    def __contains__(self, key: int) -> bool:
        used = self._used.get(key)
        return used is not None and (self._ttl is None or self._env.now - used <= self._ttl)

    def __len__(self) -> int:
        return len(self._used)

    def read(self, key: int) -> None:
        """A chunk was read: it stays longer."""
        if key in self._used:
            self._used[key] = self._env.now
            self._used.move_to_end(key)

    def written(self, key: int) -> None:
        """A chunk is there now; the least recently used leave when the tier is full."""
        self._used[key] = self._env.now
        self._used.move_to_end(key)
        if len(self._used) > START * self.capacity:
            while self._used and len(self._used) > STOP * self.capacity:
                self._used.popitem(last=False)
                self.evictions += 1


def volume(env: Environment, speed: TierSpeed) -> Stream:
    """The bytes of one volume, for all tiers that are on it."""
    return Stream(env, min(speed.bytes_per_second, 1e18))
