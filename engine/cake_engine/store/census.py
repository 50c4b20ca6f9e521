"""Every file of a tier, with its size and the time of its last use. What is named otherwise is someone else's."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator

from cake_engine.store.eviction import StoredFile
from cake_engine.store.keys import BLOCK_SUFFIX
from cake_engine.store.publishing import without_temporary_suffix

_KEY_SPACE = re.compile(r".+-[0-9a-f]{24}")
_FAN = re.compile(r"[0-9a-f]{3}")
_BLOCK = re.compile(r"[0-9a-f]{4,}" + re.escape(BLOCK_SUFFIX))


def census(root: str | os.PathLike[str]) -> Iterator[StoredFile]:
    """Every block and temporary of a tier; nothing where there is no folder.

    Raises:
        OSError: A folder could not be read.
    """
    for key_space in key_spaces(root):
        yield from files_of(key_space)


def key_spaces(root: str | os.PathLike[str]) -> list[str]:
    """The folders of a tier's fingerprints, in no order.

    Raises:
        OSError: The folder could not be read.
    """
    return _folders(root, _KEY_SPACE)


def files_of(key_space: str | os.PathLike[str]) -> Iterator[StoredFile]:
    """Every block and temporary in one fingerprint's folder.

    Raises:
        OSError: A folder could not be read.
    """
    for fan in _folders(key_space, _FAN):
        yield from _files(fan, lambda name: bool(_BLOCK.fullmatch(name)))


def strays(folder: str | os.PathLike[str], published: str) -> Iterator[StoredFile]:
    """Temporaries in a folder of what gets that one name.

    Raises:
        OSError: The folder could not be read.
    """
    return (file for file in _files(folder, published.__eq__) if file.temporary)


def _folders(root: str | os.PathLike[str], names: re.Pattern[str]) -> list[str]:
    """Folders of such a name; none where there is nothing, or not any more."""
    with contextlib.suppress(FileNotFoundError), os.scandir(root) as entries:
        return [e.path for e in entries if names.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    return []


def _files(folder: str | os.PathLike[str], ours: Callable[[str], bool]) -> Iterator[StoredFile]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            published = without_temporary_suffix(entry.name)
            if not ours(published or entry.name):
                continue
            with contextlib.suppress(FileNotFoundError):  # published or removed since it was listed
                found = entry.stat(follow_symlinks=False)
                yield StoredFile(entry.path, found.st_size, found.st_mtime, temporary=published is not None)
