"""Whether a file is the whole, unharmed block that its place says; not even its time of last use is changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cake_engine.store.blockfile import BlockRejectedError, Reject, claims, unseal
from cake_engine.store.reader import FileReader, page_buffer

GOOD: Final = "good"
GONE: Final = "gone"
UNREADABLE: Final = "unreadable"


def verify(path: str, reader: FileReader) -> str:
    """Check one file, as it is on the disk where the file system lets it be read so.

    Args:
        path: Of a block.
        reader: Of its file system.

    Returns:
        `GOOD`; `GONE` when it was evicted meanwhile; `UNREADABLE` when the file system fails; or the `Reject` value.
    """
    try:
        content = _content(path, reader)
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNREADABLE
    try:
        codec, fingerprint = claims(content)
        if not os.path.dirname(os.path.dirname(path)).endswith(f"-{fingerprint.hex()[:24]}"):
            return Reject.FINGERPRINT.value
        unseal(content, codec=codec, fingerprint=fingerprint, key=bytes.fromhex(Path(path).stem))
    except BlockRejectedError as error:
        return error.reason.value
    except ValueError:  # its name is no key
        return Reject.FINGERPRINT.value
    return GOOD


def _content(path: str, reader: FileReader) -> memoryview:
    file = reader.open(path)
    try:
        size = os.fstat(file).st_size
        buffer = page_buffer(max(1, size))
        return buffer[: reader.read(file, size, buffer)]
    finally:
        os.close(file)
