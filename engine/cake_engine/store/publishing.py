"""Files that are whole or not there: written under a name of their own, then renamed.

A reader sees a whole file or none, two writers of one file are both right, and a crash leaves a temporary. There is no
fsync: what is kept here can be computed, or counted, again, so it is worth no wait for a disk. After a power cut a file
may be cut or empty, and every reader looks whether it is.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

from cake_engine.store.writer import through_the_cache

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")


class LeftBehindError(OSError):
    """A file could not be written, and it is not certain that no part of it is left."""


def without_temporary_suffix(name: str) -> str | None:
    """The name that a temporary would have got; None for the name of anything else."""
    suffix = _TEMPORARY.search(name)
    return name[: suffix.start()] if suffix and suffix.end() == len(name) else None


def publish(path: str, content: memoryview, write: Callable[[int, memoryview], None] = through_the_cache) -> None:
    """Put a file in place of any earlier one of that name, and make its folder if it is not there.

    Args:
        path: Of the file.
        content: All of it.
        write: Writes the content to an open file.

    Raises:
        LeftBehindError: It could not be written, and perhaps a part of it, or all, is there.
        OSError: It could not be written; no part of it is left unless the process dies now.
    """
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    file = _create(temporary)
    try:
        _write_and_close(file, content, write)
        os.rename(temporary, path)
    except OSError as error:
        try:
            os.unlink(temporary)
        except OSError:
            # Gone, it may have got its name though a server said otherwise; there, it is the collector's to remove.
            raise LeftBehindError(error.errno, error.strerror, path) from error
        raise


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o660)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o660)


def _write_and_close(file: int, content: memoryview, write: Callable[[int, memoryview], None]) -> None:
    """Closing is part of it, as a network file system may say only then that it is full."""
    try:
        write(file, content)
    finally:
        os.close(file)
