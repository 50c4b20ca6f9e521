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
        content = read_whole(path, reader)
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNREADABLE
    try:
        key = bytes.fromhex(Path(path).stem)
    except ValueError:  # its name is no key
        return Reject.FINGERPRINT.value
    return judge(content, Path(path).parents[1].name, key)


def judge(content: memoryview, key_space: str, key: bytes) -> str:
    """Whether a file's content is the block that its place says; an encrypted one needs no key for that.

    Args:
        content: Of the file.
        key_space: Name of its fingerprint's folder.
        key: Which its name says.

    Returns:
        `GOOD`, or the `Reject` value.
    """
    try:
        codec, fingerprint = claims(content)
        if not key_space.endswith(f"-{fingerprint.hex()[:24]}"):
            return Reject.FINGERPRINT.value
        unseal(content, codec=codec, fingerprint=fingerprint, key=key)
    except BlockRejectedError as error:
        return error.reason.value
    return GOOD


def read_whole(path: str, reader: FileReader) -> memoryview:
    """The content of a file, whose time of last use stays.

    Raises:
        OSError: It could not be read.
    """
    file = reader.open(path)
    try:
        size = os.fstat(file).st_size
        buffer = page_buffer(max(1, size))
        return buffer[: reader.read(file, size, buffer)]
    finally:
        os.close(file)
