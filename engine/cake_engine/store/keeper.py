"""Holds a tier to its capacity: counts what is there, says whether more may be written, removes what leaves.

Each engine that shares the folder counts the whole of it and adds what it writes itself until the next count, so
together they may pass the capacity by what the others wrote since. A single elected collector would close that gap: it
takes the place of this class, and keeps `admit`, `settle` and `used_bytes`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cake_engine.store.directory import TEMPORARY_SUFFIX
from cake_engine.store.eviction import Limits, StoredFile, choose
from cake_engine.store.keys import BLOCK_SUFFIX

logger = logging.getLogger(__name__)

_COUNT_SHARE = 0.05
"""Share of the time that counting may take: on a large or slow folder the counts come further apart."""
_FIRST_COUNT_SECONDS = 2.0


class Keeper:
    """One thread that counts and removes, and the account that writers ask."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        limits: Limits,
        *,
        on_evicted: Callable[[int], None],
        interval_seconds: float = 30.0,
    ) -> None:
        """Start counting.

        Args:
            root: Folder of the tier; may not exist yet.
            limits: What it may hold.
            on_evicted: Told how many files were removed, from the thread.
            interval_seconds: Between counts, at least.
        """
        self._root = Path(root)
        self._limits = limits
        self._on_evicted = on_evicted
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._used = 0
        self._since_count = 0
        self._counted = threading.Event()
        self._wake = threading.Event()
        self._stop = False
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="cake-keeper", daemon=True)
        self._thread.start()

    @property
    def used_bytes(self) -> int:
        """At the last count, and what was admitted since."""
        return self._used

    def admit(self, size: int) -> bool:
        """Reserve room for one file; False when it would not fit, and then room is being made.

        Waits for the first count, for a moment: to write before it would be to write blindly.
        """
        if not self._counted.wait(_FIRST_COUNT_SECONDS):
            return False
        with self._lock:
            fits = self._used + size <= self._limits.capacity_bytes
            if fits:
                self._used += size
                self._since_count += size
            if not fits or self._used > self._limits.start * self._limits.capacity_bytes:
                self._wake.set()
        return fits

    def settle(self, reserved: int, written: int) -> None:
        """Correct a reservation by what was really written: 0 when the write failed."""
        with self._lock:
            self._used += written - reserved
            self._since_count += written - reserved

    def stop(self) -> None:
        """End the thread, unless a file system holds it; then it ends by itself."""
        self._stop = True
        self._wake.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()
            started = time.monotonic()
            try:
                self._round()
                self._fault = None
            except OSError as error:
                if error.strerror != self._fault:
                    self._fault = error.strerror
                    logger.error("Capacity of %s is not kept, and nothing new may be written: %s", self._root, error)
            took = time.monotonic() - started
            self._wake.wait(max(self._interval, took / _COUNT_SHARE))
            pause = took / _COUNT_SHARE - (time.monotonic() - started)
            if not self._stop and pause > 0:
                time.sleep(min(pause, self._interval))

    def _round(self) -> None:
        with self._lock:
            self._since_count = 0
        files = list(census(self._root))
        leaving = choose(files, self._limits, time.time())
        gone = [file.size for file in leaving if _remove(file.path)]
        with self._lock:
            self._used = sum(file.size for file in files) - sum(gone) + self._since_count
        self._counted.set()
        if gone:
            self._on_evicted(len(gone))
        if len(gone) < len(leaving):
            raise PermissionError(errno.EACCES, f"{len(leaving) - len(gone)} files could not be removed")


def census(root: Path) -> Iterator[StoredFile]:
    """Every block and temporary of a tier; nothing where there is no folder.

    Raises:
        OSError: A folder could not be read.
    """
    try:
        fingerprints = [entry.path for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    for fingerprint in fingerprints:
        yield from files_of(fingerprint)


def files_of(fingerprint: str | os.PathLike[str]) -> Iterator[StoredFile]:
    """Every block and temporary in one fingerprint's folder.

    Raises:
        OSError: A folder could not be read.
    """
    for fan in os.scandir(fingerprint):
        if fan.is_dir(follow_symlinks=False):
            yield from _files(fan.path)


def _remove(path: str) -> bool:
    """Whether a file is gone; another engine may have removed it first."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _files(folder: str) -> Iterator[StoredFile]:
    for entry in os.scandir(folder):
        temporary = entry.name.endswith(TEMPORARY_SUFFIX)
        if not temporary and not entry.name.endswith(BLOCK_SUFFIX):
            continue  # not ours
        with contextlib.suppress(FileNotFoundError):  # published or removed since it was listed
            found = entry.stat(follow_symlinks=False)
            yield StoredFile(entry.path, found.st_size, found.st_mtime, temporary)
