"""What to read ahead for a request that still waits for a seat.

Its stored prefix comes into memory back to front, as it will be needed: compute begins at the front, and a prefix that
is there as a whole when the request is admitted needs no compute at all. What was read is held until then, so the
memory for it is bounded, over all requests that wait.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from cake_engine.config import LiveConfig, Mode

RESERVE = 1 / 8
"""Part of the memory tier that is left to admitted requests whatever the share says."""


def allowance(capacity: int, share: float) -> int:
    """Chunks of memory that requests which wait may hold together.

    Args:
        capacity: Chunks of the memory tier.
        share: The live knob, 0 to 1.
    """
    return min(int(share * capacity), capacity - max(1, int(RESERVE * capacity)))


def floor(ahead: Ahead, live: LiveConfig) -> int:
    """The lowest chunk to read ahead: in mode Static what is before the meeting point is computed anyway."""
    if live.mode is not Mode.STATIC:
        return ahead.first
    return ahead.first + math.floor((live.static_meeting_point or 0.0) * (ahead.end - ahead.first))


class Ahead:
    """One waiting request's stored chunks `first` to `end`, exclusive: asked for, held, lost, or still to come.

    Attributes:
        asked: Chunks on their way into memory.
        held: Chunks in memory that are kept there.
        to_come: By tier, how many of its chunks are not held.
    """

    def __init__(
        self, first: int, end: int, missing: Iterable[int] = (), tiers: Mapping[int, str] = MappingProxyType({})
    ) -> None:
        """Ask for nothing yet.

        Args:
            first: First chunk that the device does not hold.
            end: One past the last stored chunk.
            missing: The chunks among them that are stored nowhere.
            tiers: On which tier each of the others is; those that are not named are not counted in `to_come`.
        """
        self.first = first
        self.end = end
        self.asked: set[int] = set()
        self.held: set[int] = set()
        self.to_come = Counter(tiers.values())
        self._tiers = tiers
        self._lost = set(missing)
        self._below = end

    def wanted(self, floor: int = 0) -> Iterator[int]:
        """Chunks to ask for next, last first, down to `floor`."""
        while self._below > max(self.first, floor):
            chunk = self._below - 1
            if chunk not in self.asked and chunk not in self.held and chunk not in self._lost:
                yield chunk
            if self._below == chunk + 1:  # nothing was given back behind it meanwhile
                self._below = chunk

    def ask(self, chunk: int) -> None:
        """The chunk was asked of its tier."""
        self.asked.add(chunk)

    def hold(self, chunk: int) -> None:
        """The chunk is in memory, and stays."""
        self.asked.discard(chunk)
        self._count(chunk, -(chunk not in self.held))
        self.held.add(chunk)

    def give_back(self, chunk: int) -> None:
        """The chunk is neither asked for nor held any more, and may be asked for again."""
        self.asked.discard(chunk)
        self._count(chunk, chunk in self.held)
        self.held.discard(chunk)
        self._below = max(self._below, chunk + 1)

    def lose(self, chunk: int) -> None:
        """The chunk cannot be read."""
        self.asked.discard(chunk)
        self._lost.add(chunk)

    def _count(self, chunk: int, more: int) -> None:
        if chunk in self._tiers:
            self.to_come[self._tiers[chunk]] += more
