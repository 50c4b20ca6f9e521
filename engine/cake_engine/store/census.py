"""Every file of a tier, with its size and the time of its last use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from cake_engine.store.eviction import StoredFile
from cake_engine.store.keys import BLOCK_SUFFIX
from cake_engine.store.publishing import TEMPORARY_SUFFIX


def census(root: str | os.PathLike[str]) -> Iterator[StoredFile]:
    """Every block and temporary of a tier; nothing where there is no folder.

    Raises:
        OSError: A folder could not be read.
    """
    for fingerprint in _folders(root):
        yield from files_of(fingerprint)


def files_of(fingerprint: str | os.PathLike[str]) -> Iterator[StoredFile]:
    """Every block and temporary in one fingerprint's folder.

    Raises:
        OSError: A folder could not be read.
    """
    for fan in _folders(fingerprint):
        yield from _files(fan)


def _folders(root: str | os.PathLike[str]) -> list[str]:
    """Folders in a folder, hidden ones left out; none where it is not there, or not any more."""
    with contextlib.suppress(FileNotFoundError), os.scandir(root) as entries:
        return [e.path for e in entries if not e.name.startswith(".") and e.is_dir(follow_symlinks=False)]
    return []


def _files(folder: str) -> Iterator[StoredFile]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            temporary = entry.name.endswith(TEMPORARY_SUFFIX)
            if not temporary and not entry.name.endswith(BLOCK_SUFFIX):
                continue  # not ours
            with contextlib.suppress(FileNotFoundError):  # published or removed since it was listed
                found = entry.stat(follow_symlinks=False)
                yield StoredFile(entry.path, found.st_size, found.st_mtime, temporary)
