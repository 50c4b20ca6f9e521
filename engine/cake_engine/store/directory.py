"""Block files below one folder: read, publish, discard.

They are published whole, as `cake_engine.store.publishing` says; a file that a power cut has damaged is told by its
length and checksum, and computed around.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from cake_engine.store.blockfile import BlockRejectedError, Reject
from cake_engine.store.keys import Fingerprint, place
from cake_engine.store.manifest import MANIFEST
from cake_engine.store.publishing import publish
from cake_engine.store.reader import FileReader
from cake_engine.store.writer import FileWriter

_REFRESH_SECONDS = 60.0
"""A file's time is renewed only when it is older: the order of eviction needs no more, and each costs a write."""


class BlockDirectory:
    """The files of one fingerprint. Every call may wait for the file system: never call it from the engine's loop.

    Attributes:
        reader: How files are read.
        writer: How blocks are written.
        key_space: The fingerprint's folder.
    """

    def __init__(self, root: str | os.PathLike[str], fingerprint: Fingerprint) -> None:
        """Name the place; nothing is touched until a block is.

        Args:
            root: Folder of the tier, shared by all fingerprints.
            fingerprint: Whose blocks these are.
        """
        self.root = Path(root)
        self.reader = FileReader()
        self.writer = FileWriter()
        self.fingerprint = fingerprint
        self.key_space = f"{self.root}/{fingerprint.folder}"
        self._manifest = f"{self.key_space}/{MANIFEST}"
        self._named = False

    def path_of(self, key: bytes) -> str:
        """Where a block is, or would be."""
        return f"{self.key_space}/{place(key)}"

    def contains(self, key: bytes) -> bool:
        """Whether a file of that name is there; only reading it says whether it is good.

        Who asks has a use for the whole prefix that it is of, so its time is renewed like that of one that is read:
        blocks of one prefix then differ in their position alone, and what leaves of it is its head.

        Raises:
            OSError: The file system could not say.
        """
        path = self.path_of(key)
        try:
            used = os.stat(path).st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return False
        _renew(path, used)
        return True

    def read(self, key: bytes, buffer: memoryview) -> memoryview:
        """Read a whole file, and renew the time by which it is evicted.

        Args:
            key: Of the block.
            buffer: As `page_buffer` makes it for the longest file of this directory.

        Returns:
            The part of the buffer that holds the file, not verified.

        Raises:
            BlockRejectedError: There is no such file, or it is longer than the buffer.
            OSError: It could not be read.
        """
        try:
            file = self.reader.open(self.path_of(key))
        except (FileNotFoundError, NotADirectoryError):
            raise BlockRejectedError(Reject.MISSING) from None
        try:
            found = os.fstat(file)
            if found.st_size > buffer.nbytes:
                raise BlockRejectedError(Reject.TRUNCATED)
            done = self.reader.read(file, found.st_size, buffer)
            _renew(file, found.st_mtime)
        finally:
            os.close(file)
        return buffer[:done]

    def publish(self, key: bytes, file: memoryview) -> None:
        """Make a block visible, whole, in place of any earlier file of it; with the first, say whose blocks these are.

        Raises:
            OSError: It could not be written; no part of it is left unless the process dies now.
        """
        if not self._named and not os.path.exists(self._manifest):
            publish(self._manifest, memoryview(f"{self.fingerprint.document}\n".encode()))
        self._named = True
        publish(self.path_of(key), file, self.writer.write)

    def discard(self, key: bytes) -> None:
        """Remove a block; fine when it is gone.

        Raises:
            OSError: It is there and could not be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path_of(key))


def _renew(file: str | int, used: float) -> None:
    """Say that a file was used now, if that is news; always where this machine's clock is not that of the others."""
    if abs(time.time() - used) > _REFRESH_SECONDS:
        with contextlib.suppress(OSError):  # a read-only mount keeps its order of eviction: not ours to change
            os.utime(file)
