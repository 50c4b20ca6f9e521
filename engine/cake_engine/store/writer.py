"""Writes whole files past the page cache, where the file system lets it.

What is written through the cache is copied once more, and seems done long before the volume has it: how busy that is
shows in the time of a direct write alone (`cake_engine.core.yielding`). Memory and lengths have to be whole pages for
it, so that the last part of a page goes through the cache.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os

from cake_engine.store.reader import PAGE_BYTES, begins_on_a_page

logger = logging.getLogger(__name__)


class FileWriter:
    """Writes files of one file system; called from many threads.

    Attributes:
        direct: Whether writes bypass the page cache; False once the file system has refused one, from then on.
    """

    def __init__(self) -> None:
        self.direct = True

    def write(self, file: int, content: memoryview) -> None:
        """Write a new file, from its beginning.

        Args:
            file: Open for writing, without O_DIRECT.
            content: Of the file; what begins on a page bypasses the cache, as `page_buffer` makes it.

        Raises:
            OSError: It could not be written.
        """
        bypasses = self.direct and content.nbytes >= PAGE_BYTES and begins_on_a_page(content)
        done = self._past_the_cache(file, content) if bypasses else 0
        through_the_cache(file, content[done:])

    def _past_the_cache(self, file: int, content: memoryview) -> int:
        """Write the whole pages, as far as it goes; returns the bytes that were written."""
        pages, done = content.nbytes - content.nbytes % PAGE_BYTES, 0
        flags = fcntl.fcntl(file, fcntl.F_GETFL)
        try:
            fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_DIRECT)
            while done < pages and not done % PAGE_BYTES:
                done += os.write(file, content[done:pages])
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.direct = False
            logger.warning(
                "The file system of file %s has no direct writes (%s): they go through the cache", file, error
            )
        finally:
            fcntl.fcntl(file, fcntl.F_SETFL, flags)
        return done


def through_the_cache(file: int, content: memoryview) -> None:
    """Write all of it from where the file stands.

    Raises:
        OSError: It could not be written.
    """
    done = 0
    while done < content.nbytes:
        done += os.write(file, content[done:])
