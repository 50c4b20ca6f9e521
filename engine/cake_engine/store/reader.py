"""Reads whole files past the page cache, where the file system lets it.

A tier is far larger than memory and its blocks have a cache of their own, so keeping them in the page cache as well
costs a copy and pushes out what others need there. Direct reads want the memory, the offset and the length to be
multiples of a page; a file need not be: the last part comes back short.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import mmap
import os

import numpy as np

logger = logging.getLogger(__name__)

PAGE_BYTES = 4096


def page_buffer(size: int) -> memoryview:
    """Memory that begins on a page and has room for so many bytes in whole pages, all of which are there already."""
    return memoryview(mmap.mmap(-1, _pages(size), flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE))


def begins_on_a_page(buffer: memoryview) -> bool:
    """Whether memory that is not empty may be moved past the page cache."""
    return not np.frombuffer(buffer, np.uint8).ctypes.data % PAGE_BYTES


class FileReader:
    """Reads the files of one file system; called from many threads.

    Attributes:
        direct: Whether reads bypass the page cache; False once the file system has refused one, from then on.
    """

    def __init__(self) -> None:
        self.direct = True

    def open(self, path: str) -> int:
        """Open a file to be read.

        Raises:
            OSError: It cannot be.
        """
        flags = os.O_RDONLY | os.O_CLOEXEC
        if self.direct:
            try:
                return os.open(path, flags | os.O_DIRECT)
            except OSError as error:
                self._refused(error, path)
        return os.open(path, flags)

    def read(self, file: int, size: int, buffer: memoryview) -> int:
        """Read a file from its beginning.

        Args:
            file: As `open` gave it.
            size: Its bytes.
            buffer: Memory that begins on a page and has room for that in whole pages, as `page_buffer` makes it.

        Returns:
            Bytes read: fewer than `size` when the file has become shorter.

        Raises:
            OSError: It could not be read.
            ValueError: The buffer does not begin on a page, or is too short.
        """
        if not begins_on_a_page(buffer) or buffer.nbytes < _pages(size):
            raise ValueError(f"{size} bytes are read into a buffer of whole pages, as page_buffer makes it")
        done = 0
        while done < size:
            try:
                count = os.preadv(file, [buffer[done : _pages(size)]], done)
            except OSError as error:
                if not _is_direct(file):
                    raise
                self._refused(error, f"file {file}")
                _through_the_cache(file)
                continue
            if count == 0:
                break
            done += count
            if done < size and done % PAGE_BYTES:
                _through_the_cache(file)  # a short read that a direct one cannot go on from
        return min(done, size)

    def _refused(self, error: OSError, what: str) -> None:
        """Note that the file system has no direct reads; raises what says something else."""
        if error.errno != errno.EINVAL:
            raise error
        if self.direct:
            self.direct = False
            logger.warning("The file system of %s has no direct reads (%s): they go through the cache", what, error)


def _pages(size: int) -> int:
    return -(-size // PAGE_BYTES) * PAGE_BYTES


def _is_direct(file: int) -> bool:
    return bool(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT)


def _through_the_cache(file: int) -> None:
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) & ~os.O_DIRECT)
