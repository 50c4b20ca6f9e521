"""Locks between processes that the death of a process releases: flock on a file.

Linux carries flock to the server on NFS, CephFS and the like, so it holds between machines as well. A file system that
has no such locks says so with an error, which is reported like that of any write.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

_POLL_SECONDS = 0.005


class FileLock:
    """A lock that is asked for without waiting, and then kept. Not for several threads at once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name the file; it is made when the lock is first asked for."""
        self._path = Path(path)
        self._file: int | None = None

    def acquire(self) -> bool:
        """Whether the lock is ours, from before or from now on.

        A file that was removed meanwhile locks nobody out: it is given up for the one that now has its name.

        Raises:
            OSError: The file system could not say.
        """
        if self._file is not None and os.fstat(self._file).st_nlink:
            return True
        self.release()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return True

    def release(self) -> None:
        """Let go of the lock, if it is ours."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def touch(self) -> float:
        """The file system's own time, in seconds since the epoch: set on the file that is locked, and read back.

        Raises:
            OSError: The lock is not ours, or the file system could not say.
        """
        if self._file is None:
            raise OSError(f"{self._path} is not locked")
        os.utime(self._file)
        return os.fstat(self._file).st_mtime


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], patience_seconds: float) -> Iterator[None]:
    """Hold a lock while inside.

    Raises:
        TimeoutError: Others kept it for longer than that.
        OSError: The file system could not say.
    """
    lock, limit = FileLock(path), time.monotonic() + patience_seconds
    while not lock.acquire():
        if time.monotonic() > limit:
            raise TimeoutError(f"{path} was locked by others for {patience_seconds} s")
        # Asked for again and again, not waited for: a wait could not be bounded, and on NFS it polls far more slowly.
        time.sleep(_POLL_SECONDS * (0.5 + random.random()))  # noqa: S311 - spreads the writers, hides nothing
    try:
        yield
    finally:
        lock.release()
