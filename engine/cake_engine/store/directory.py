"""Block files below one folder: read, publish, discard.

A block is written under a name of its own and then renamed, so a reader sees a whole file or none, two writers of one
block are both right, and a crash leaves a temporary that the keeper removes. There is no fsync: these files can always
be computed again, so they are worth no wait for a disk. After a power cut a file may be cut or empty; its length and
checksum say so, and it is computed around.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from pathlib import Path

from cake_engine.store.blockfile import BlockRejectedError, Reject
from cake_engine.store.keys import Fingerprint, place

TEMPORARY_SUFFIX = ".tmp"
MANIFEST = "fingerprint.json"

_REFRESH_SECONDS = 60.0
"""A read renews a file's time only when it is older: the order of eviction needs no more, and each costs a write."""


class BlockDirectory:
    """The files of one fingerprint. Every call may wait for the file system: never call it from the engine's loop."""

    def __init__(self, root: str | os.PathLike[str], fingerprint: Fingerprint) -> None:
        """Name the place; nothing is touched until a block is.

        Args:
            root: Folder of the tier, shared by all fingerprints.
            fingerprint: Whose blocks these are.
        """
        self.root = Path(root)
        self.fingerprint = fingerprint
        self._base = f"{self.root}/{fingerprint.folder}"

    def path_of(self, key: bytes) -> str:
        """Where a block is, or would be."""
        return f"{self._base}/{place(key)}"

    def contains(self, key: bytes) -> bool:
        """Whether a file of that name is there; only reading it says whether it is good.

        Raises:
            OSError: The file system could not say.
        """
        try:
            os.stat(self.path_of(key))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def read(self, key: bytes, buffer: memoryview) -> memoryview:
        """Read a whole file, and renew the time by which it is evicted.

        Args:
            key: Of the block.
            buffer: At least as long as the longest file of this directory.

        Returns:
            The part of the buffer that holds the file, not verified.

        Raises:
            BlockRejectedError: There is no such file, or it is longer than the buffer.
            OSError: It could not be read.
        """
        try:
            file = os.open(self.path_of(key), os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            raise BlockRejectedError(Reject.MISSING) from None
        try:
            found = os.fstat(file)
            if found.st_size > buffer.nbytes:
                raise BlockRejectedError(Reject.TRUNCATED)
            done = 0
            while done < found.st_size:
                count = os.preadv(file, [buffer[done : found.st_size]], done)
                if count == 0:
                    break
                done += count
            if time.time() - found.st_mtime > _REFRESH_SECONDS:
                with contextlib.suppress(OSError):  # a read-only mount keeps its order of eviction: not ours to change
                    os.utime(file)
        finally:
            os.close(file)
        return buffer[:done]

    def publish(self, key: bytes, file: memoryview) -> None:
        """Make a block visible, whole, in place of any earlier file of it.

        Raises:
            OSError: It could not be written; no part of it is left unless the process dies now.
        """
        self._replace(self.path_of(key), file)

    def discard(self, key: bytes) -> None:
        """Remove a block; fine when it is gone.

        Raises:
            OSError: It is there and could not be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path_of(key))

    def _replace(self, path: str, content: memoryview) -> None:
        temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
        try:
            self._write(temporary, content)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to report; the keeper removes what is left
                os.unlink(temporary)
            raise

    def _write(self, path: str, content: memoryview) -> None:
        """Write a new file; closing it is part of that, as a network file system may say only then that it is full."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            file = os.open(path, flags, 0o660)
        except FileNotFoundError:
            self._prepare(Path(path).parent)
            file = os.open(path, flags, 0o660)
        try:
            done = 0
            while done < content.nbytes:
                done += os.write(file, content[done:])
        finally:
            os.close(file)

    def _prepare(self, folder: Path) -> None:
        """Make a folder, and say beside the blocks, for people, whose they are."""
        folder.mkdir(parents=True, exist_ok=True)
        manifest = f"{self._base}/{MANIFEST}"
        if not os.path.exists(manifest):
            self._replace(manifest, memoryview(f"{self.fingerprint.document}\n".encode()))
