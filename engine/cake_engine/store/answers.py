"""What was found out about very many keys, in 16 bytes for each; a cache, so it may forget.

Keys are hashes already, so 64 bits of their hash stand for them. Should two ever be taken for each other, a block is
read in vain or computed once more: the read compares whole keys.
"""

from __future__ import annotations

from array import array

_WAYS = 8
"""Places in which a key may be. When all are taken, the answer that ends first is forgotten."""
_64_BITS = (1 << 64) - 1


class Answers:
    """Whether a key is present, and until when to believe so. Takes all its memory at once; not for several threads."""

    def __init__(self, places: int) -> None:
        """Know nothing.

        Args:
            places: Answers kept, at most; a power of two, 8 at least.
        """
        self._buckets = places // _WAYS - 1
        self._tags = array("Q", [0]) * places
        self._ends = array("d", [0.0]) * places
        """When an answer ends, seconds; negative for absence, 0 where there is none."""

    def end(self, key: bytes) -> float:
        """Until when to believe that a key is present; negative: that it is absent; 0 when nothing is known.

        The engine's scheduler asks this for every block of a request, so it is as short as it can be.
        """
        tag = hash(key) & _64_BITS
        first = (tag & self._buckets) * _WAYS
        try:
            return self._ends[self._tags.index(tag, first, first + _WAYS)]
        except ValueError:
            return 0.0

    def put(self, key: bytes, present: bool, end: float) -> None:
        """Remember an answer until a moment after 0."""
        tag = hash(key) & _64_BITS
        first = (tag & self._buckets) * _WAYS
        place = self._find(tag, first)
        if place is None:
            place = self._find(0, first)  # one that is free
        if place is None:
            place = min(range(first, first + _WAYS), key=lambda one: abs(self._ends[one]))
        self._tags[place] = tag
        self._ends[place] = end if present else -end

    def _find(self, tag: int, first: int) -> int | None:
        try:
            return self._tags.index(tag, first, first + _WAYS)
        except ValueError:
            return None
