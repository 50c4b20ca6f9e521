"""Where the KV of one chunk of a stored prefix is, and how the chunks of a prefix were filled in the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Chunk(Enum):
    """Where the KV of one chunk is."""

    STORED = auto()
    """On a tier below memory."""
    FETCHING = auto()
    """On its way into memory."""
    RESIDENT = auto()
    """In memory, not yet on the device."""
    COPYING = auto()
    """Being copied from memory into the request's blocks: compute must stay out."""
    LOADED = auto()
    """On the device, by a load."""
    LOST = auto()
    """Not on any tier, from the beginning or after all: only compute can fill it."""
    COMPUTED = auto()
    """On the device by compute, or begun by it."""

    __hash__ = object.__hash__
    """Enum's own is Python, and every step asks it of every chunk."""


ON_DEVICE_OR_NEAR = frozenset({Chunk.RESIDENT, Chunk.COPYING, Chunk.LOADED})
ON_A_TIER = frozenset({Chunk.STORED, Chunk.FETCHING})
TO_LOAD = ON_A_TIER | {Chunk.RESIDENT}


@dataclass(frozen=True)
class Outcome:
    """How the chunks of a plan were filled: each chunk once, as computed or as loaded.

    Attributes:
        duplicated: Computed chunks that had been read, or were being read, as well.
        lost: Chunks that were stored when the plan began and then could not be read.
        missing: Chunks that no tier held when it began.
        open: Chunks that nobody filled, because the request ended first.
    """

    computed: int
    loaded: int
    duplicated: int
    lost: int
    missing: int
    open: int

    @property
    def meeting_ratio(self) -> float | None:
        """Computed chunks over filled chunks: 0 all loaded, 1 all computed; None when nothing was filled."""
        filled = self.computed + self.loaded
        return self.computed / filled if filled else None

    @property
    def chosen_ratio(self) -> float | None:
        """The same where it was chosen: 0 when no more was computed than had to be, None when nothing could be loaded.

        Compute of what no tier holds says nothing of where it would have stopped otherwise. Whoever decides by it what
        is kept would keep less and less of it.
        """
        if not self.loaded and self.computed <= self.missing + self.lost:
            return None
        return self.meeting_ratio if self.computed > self.missing + self.lost else 0.0
