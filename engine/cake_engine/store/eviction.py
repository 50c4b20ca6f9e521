"""Which files leave. Pure: what is there, the limits and the time come in.

First what is past its time, and temporaries of the dead. Where that makes not enough room: blocks of key spaces that
nobody uses any more, the longest unused first; then those that are worth the least (`cake_engine.core.retention`), so
the heads of a prefix before its tail. Pinned blocks stay, whatever their age.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from cake_engine.core.retention import worth
from cake_engine.store.listing import Listing

TEMPORARY_SECONDS = 900.0
"""Age after which a temporary belongs to nobody: its writer died or gave up."""


@dataclass(frozen=True)
class Limits:
    """What a tier may hold.

    Attributes:
        capacity_bytes: At most.
        ttl_seconds: Age since last use after which a block leaves; None keeps it while there is room.
        start: Share of the capacity from which blocks leave.
        stop: Share of the capacity down to which they leave.
    """

    capacity_bytes: int
    ttl_seconds: float | None = None
    start: float = 0.95
    stop: float = 0.90


@dataclass(frozen=True)
class Knowledge:
    """What is known of files beside themselves.

    Attributes:
        uses: How often each file was seen to be used again, in their order; empty where nobody has looked.
        orphaned: Key spaces that nobody uses any more.
        pinned: Paths of the files that stay.
    """

    uses: Sequence[int] = ()
    orphaned: Collection[str] = field(default_factory=frozenset)
    pinned: Collection[str] = field(default_factory=frozenset)


NOTHING_KNOWN = Knowledge()


def choose(
    files: Listing,
    limits: Limits,
    now: float,
    *,
    held: int = 0,
    wanted: int = 0,
    known: Knowledge = NOTHING_KNOWN,
) -> list[int]:
    """The places of the files that leave now, in their order.

    Args:
        files: All of the tier.
        limits: What it may hold.
        now: By the clock of the file system that keeps the files' times.
        held: Bytes that may be written at any moment and count as if they were.
        wanted: Bytes that were asked for and found no room; 0 when none were.
        known: What is known of the files beside.
    """
    ttl = math.inf if limits.ttl_seconds is None else limits.ttl_seconds
    outlived = now - files.used > np.where(files.temporary, TEMPORARY_SECONDS, ttl)
    outlived &= ~files.among(known.pinned)
    leaving: list[int] = np.flatnonzero(outlived).tolist()
    total = held + int(files.sizes[~outlived].sum())
    if not wanted and total <= limits.start * limits.capacity_bytes:
        return leaving
    excess = total - min(limits.stop * limits.capacity_bytes, limits.capacity_bytes - wanted)
    blocks = in_order(files, now, known)
    blocks = blocks[~outlived[blocks]]
    enough = 1 + int(np.searchsorted(files.sizes[blocks].cumsum(), excess)) if excess > 0 else 0
    return [*leaving, *blocks[:enough].tolist()]


def in_order(files: Listing, now: float, known: Knowledge = NOTHING_KNOWN) -> NDArray[np.intp]:
    """The places of the blocks that may leave, the first to leave first.

    Args:
        files: All of the tier.
        now: By the clock of the file system that keeps the files' times.
        known: What is known of the files beside.
    """
    free = ~(files.temporary | files.among(known.pinned))
    orphaned = files.within(known.orphaned)
    worths = np.fromiter(
        # `data` gives plain numbers, one at a time: as numpy's own they are slow, and as a list they are many
        map(worth, files.savings.data, chain(known.uses, repeat(0)), (now - files.used).data),
        np.float64,
        len(files),
    )
    orphans, others = np.flatnonzero(free & orphaned), np.flatnonzero(free & ~orphaned)
    return np.concatenate([_ascending(orphans, files.used), _ascending(others, worths)])


def _ascending(places: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.intp]:
    return places[np.argsort(values[places], kind="stable")]
