"""Counts a whole tier and removes what leaves; for the one engine that is elected."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import chain
from pathlib import Path

from cake_engine.store.accounts import Accounts
from cake_engine.store.census import census, key_spaces, strays
from cake_engine.store.eviction import TEMPORARY_SECONDS, Knowledge, Limits, choose, in_order
from cake_engine.store.ledger import Ledger
from cake_engine.store.listing import Listing
from cake_engine.store.manifest import MANIFEST
from cake_engine.store.orphans import orphaned
from cake_engine.store.pins import honoured, pins, unfinished
from cake_engine.store.uses import Uses

_COUNT_SHARE = 0.05
"""Share of its time that counting may take while there is room: on a large folder the counts come further apart."""


class Collector:
    """Rounds of counting and removing, and when they are due. For one thread, which waits for the file system."""

    def __init__(
        self,
        root: Path,
        limits: Limits,
        ledger: Ledger,
        on_evicted: Callable[[int], None],
        interval_seconds: float,
    ) -> None:
        """Have counted nothing yet.

        Args:
            root: Folder of the tier.
            limits: Its age limit and its marks; the capacity is the least that its writers were told.
            ledger: Of the tier.
            on_evicted: Told how many files were removed.
            interval_seconds: Between rounds, at least, while there is room.
        """
        self._root = root
        self._limits = limits
        self._ledger = ledger
        self._on_evicted = on_evicted
        self._interval = interval_seconds
        self._ended = float("-inf")
        self._took = 0.0
        self._uses = Uses()

    def due(self, accounts: Accounts) -> bool:
        """Whether to count now: soon when room is short, as often as the share of time allows otherwise."""
        waited = time.monotonic() - self._ended
        full = accounts.used is None or accounts.used + accounts.held > self._limits.start * accounts.limit
        if full or accounts.wanted:
            return waited >= self._took
        return waited >= max(self._interval, self._took / _COUNT_SHARE)

    def collect(self) -> None:
        """Count, remove what leaves, and enter what is there.

        Raises:
            OSError: The tier could not be counted, or not all could be removed.
        """
        started = time.monotonic()
        accounts, now = self._ledger.begin_count()
        files = Listing(census(self._root))
        limits = replace(self._limits, capacity_bytes=accounts.limit)
        known = knowledge(self._root, files, accounts.key_spaces, limits.capacity_bytes, now)
        known = replace(known, uses=self._uses.count(files))
        leaving = choose(files, limits, now, held=accounts.held, wanted=accounts.wanted, known=known)
        gone = [place for place in leaving if _remove(files.path(place))]
        self._ledger.end_count(int(files.sizes.sum() - files.sizes[gone].sum()))
        self._tidy(now)
        self._ended = time.monotonic()
        self._took = self._ended - started
        if gone:
            self._on_evicted(len(gone))
        if len(gone) < len(leaving):
            raise PermissionError(errno.EACCES, f"{len(leaving) - len(gone)} files could not be removed")

    def _tidy(self, now: float) -> None:
        """Remove what the dead left beside the blocks; it takes no room that counts, but it would gather."""
        for key_space in key_spaces(self._root):
            for file in chain(strays(key_space, MANIFEST.__eq__), unfinished(key_space)):
                if now - file.used > TEMPORARY_SECONDS:
                    _remove(file.path)
        self._ledger.tidy(now - TEMPORARY_SECONDS)

    def make_way(self) -> None:
        """Remove a few: the volume is full before the tier is, and without a byte no book can be kept."""
        files = Listing(census(self._root))
        now = float(files.used.max(initial=0.0))  # the file system's own time cannot be asked for now
        alive, capacity = self._ledger.read().key_spaces, self._limits.capacity_bytes
        blocks = in_order(files, now, knowledge(self._root, files, alive, capacity, now))
        if gone := sum(_remove(files.path(place)) for place in blocks[: 1 + len(blocks) // 100]):
            self._on_evicted(gone)


def knowledge(root: Path, files: Listing, alive: Collection[str] | None, capacity_bytes: int, now: float) -> Knowledge:
    """What a tier's folder tells of its files beside themselves.

    Args:
        root: Folder of the tier.
        files: All of it.
        alive: Key spaces of the engines that live; None where that is not known.
        capacity_bytes: Of the tier.
        now: By the clock of the file system that keeps the files' times.

    Raises:
        OSError: It could not be read.
    """
    orphans = orphaned(files, alive, now)
    kept = honoured(pins(root), files, capacity_bytes, without=orphans)
    return Knowledge(orphaned=orphans, pinned=frozenset(path for pin in kept for path in pin.blocks))


def _remove(path: str) -> bool:
    """Whether a file is gone; someone else may have removed it first."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
