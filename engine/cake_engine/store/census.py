"""Every file of a tier, with its size and the time of its last use. What is named otherwise is someone else's."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cake_engine.core.retention import saving
from cake_engine.store.keys import BLOCK_SUFFIX, FORMAT_VERSION, position_named
from cake_engine.store.listing import StoredFile
from cake_engine.store.manifest import manifest_of
from cake_engine.store.publishing import without_temporary_suffix

_KEY_SPACE = re.compile(r".+-[0-9a-f]{24}")
_FAN = re.compile(r"[0-9a-f]{3}")
_BLOCK = re.compile(r"[0-9a-f]{4,}" + re.escape(BLOCK_SUFFIX))
_MOST_SMALLER = 16.0
"""Times that a codec makes a block smaller, at most: no file is kept for what it only claims to be."""


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
    space = _Space.of(key_space)
    for fan in _folders(key_space, _FAN):
        yield from _files(fan, lambda name: bool(_BLOCK.fullmatch(name)), space)


def strays(folder: str | os.PathLike[str], published: Callable[[str], bool]) -> Iterator[StoredFile]:
    """Temporaries in a folder of what gets such a name.

    Raises:
        OSError: The folder could not be read.
    """
    return (file for file in _files(folder, published) if file.temporary)


@dataclass(frozen=True)
class _Space:
    """What the document beside the blocks of a key space tells of them; anyone may have written it.

    Attributes:
        name: Of its folder.
        positioned: Whether names of blocks end in their positions: those of other versions of the format do not.
        block_bytes: Of a block before the codec; 0 where not known.
    """

    name: str = ""
    positioned: bool = False
    block_bytes: int = 0

    @classmethod
    def of(cls, folder: str | os.PathLike[str]) -> _Space:
        found = manifest_of(folder)
        size = found.get("block_bytes")
        return cls(Path(folder).name, found.get("format_version") == FORMAT_VERSION, size if type(size) is int else 0)

    def saving(self, name: str, size: int) -> float:
        """Compute that each byte of a file saves: the more, the smaller the codec has made it."""
        smaller = min(max(1.0, self.block_bytes / max(1, size)), _MOST_SMALLER)
        return smaller * saving(position_named(name.removesuffix(BLOCK_SUFFIX)) if self.positioned else 0)


_NO_SPACE = _Space()


def _folders(root: str | os.PathLike[str], names: re.Pattern[str]) -> list[str]:
    """Folders of such a name; none where there is nothing, or not any more."""
    with contextlib.suppress(FileNotFoundError), os.scandir(root) as entries:
        return [e.path for e in entries if names.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    return []


def _files(
    folder: str | os.PathLike[str], ours: Callable[[str], bool], space: _Space = _NO_SPACE
) -> Iterator[StoredFile]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            published = without_temporary_suffix(entry.name)
            if not ours(published or entry.name):
                continue
            with contextlib.suppress(FileNotFoundError):  # published or removed since it was listed
                found = entry.stat(follow_symlinks=False)
                yield StoredFile(
                    entry.path,
                    found.st_size,
                    found.st_mtime,
                    temporary=published is not None,
                    key_space=space.name,
                    saving=space.saving(published or entry.name, found.st_size),
                )
