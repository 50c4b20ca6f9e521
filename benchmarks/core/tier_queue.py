"""Reads of one tier on a virtual clock: a queue, some reads in flight, one stream of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from benchmarks.core.worlds import Tier

Item = TypeVar("Item")


@dataclass(frozen=True)
class Arrival(Generic[Item]):
    """A read that is done.

    Attributes:
        item: What was asked for.
        began: When its turn came.
        ended: When it was there.
        together: Reads in flight with it, itself included.
    """

    item: Item
    began: float
    ended: float
    together: int


class TierQueue(Generic[Item]):
    """First come, first served; what waits can be taken back."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._waiting: deque[tuple[Item, float]] = deque()
        self._flights: deque[tuple[Item, float]] = deque()
        self._slots = deque([0.0] * tier.readers)
        self._stream_free = 0.0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._flights)

    def ask(self, item: Item, now: float) -> None:
        """Queue a read."""
        self._waiting.append((item, now))

    def take_back(self, useless: Callable[[Item], bool]) -> None:
        """Forget reads that wait and are of no use any more."""
        self._waiting = deque(entry for entry in self._waiting if not useless(entry[0]))

    def next_arrival(self) -> float | None:
        """When the next read will be done."""
        self._begin()
        return self._head() if self._flights else None

    def arrivals(self, until: float) -> list[Arrival[Item]]:
        """Reads that are done by `until`."""
        done = []
        while (ended := self.next_arrival()) is not None and ended <= until:
            together = len(self._flights)
            item, began = self._flights.popleft()
            self._stream_free = ended
            self._slots.append(ended)
            done.append(Arrival(item, began, ended, together))
        return done

    def _begin(self) -> None:
        while self._waiting and self._slots:
            item, asked = self._waiting.popleft()
            self._flights.append((item, max(asked, self._slots.popleft())))

    def _head(self) -> float:
        _, began = self._flights[0]
        return self._tier.pace.finish(max(self._stream_free, began + self._tier.latency), self._tier.chunk_seconds)
