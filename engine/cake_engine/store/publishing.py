"""Files that are whole or not there: written under a name of their own, then renamed.

A reader sees a whole file or none, two writers of one file are both right, and a crash leaves a temporary. There is no
fsync: what is kept here can be computed, or counted, again, so it is worth no wait for a disk. After a power cut a file
may be cut or empty, and every reader looks whether it is.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"


def publish(path: str, content: memoryview) -> None:
    """Put a file in place of any earlier one of that name, and make its folder if it is not there.

    Raises:
        OSError: It could not be written; no part of it is left unless the process dies now.
    """
    temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
    try:
        _write(temporary, content)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):  # the first error is the one to report; the collector removes what is left
            os.unlink(temporary)
        raise


def _write(path: str, content: memoryview) -> None:
    """Write a new file; closing it is part of that, as a network file system may say only then that it is full."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        file = os.open(path, flags, 0o660)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, flags, 0o660)
    try:
        done = 0
        while done < content.nbytes:
            done += os.write(file, content[done:])
    finally:
        os.close(file)
