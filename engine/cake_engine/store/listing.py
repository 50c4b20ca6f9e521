"""The files of a tier in columns: the engine that is elected lists them all, minute by minute, and they may be many.

As objects they would take 400 bytes each, in crumbs that Python's allocator does not give back. In columns a file takes
its name and some fifty bytes, in a few large buffers, and what is asked of all files at once is asked of a column.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class StoredFile(NamedTuple):
    """One file of a tier.

    Attributes:
        path: Absolute.
        size: Bytes.
        used: When it was last written or read, seconds since the epoch.
        temporary: Not published yet.
        key_space: Name of its fingerprint's folder.
        saving: Compute that each byte of it saves when it is used, in proportion to that of an uncompressed block at
            the front of a prefix.
    """

    path: str
    size: int
    used: float
    temporary: bool
    key_space: str = ""
    saving: float = 1.0


class Listing:
    """Files, each at a place from 0 on in the order in which they came; those of a folder best one after the other.

    Attributes:
        sizes: Bytes of each file; as the other columns, of the shape (files,) and not to be written to.
        used: When each was last used, seconds since the epoch.
        savings: As `StoredFile.saving`.
        temporary: Whether each is not published yet.
        hashes: Of the paths, in this process.
        key_spaces: Names of the fingerprints' folders, each once.
        key_space: For each file, where in `key_spaces` its own is.
    """

    def __init__(self, files: Iterable[StoredFile]) -> None:
        """Take in all of them.

        Raises:
            OSError: What the files come from raised it.
        """
        folders: dict[str, int] = {}
        spaces: dict[str, int] = {}
        names, ends = bytearray(), array("q", [0])
        sizes, used, savings, temporary, hashes = array("q"), array("d"), array("d"), array("B"), array("q")
        folder, key_space = array("i"), array("i")
        for file in files:
            cut = file.path.rfind("/") + 1
            folder.append(folders.setdefault(file.path[:cut], len(folders)))
            names += os.fsencode(file.path[cut:])
            ends.append(len(names))
            sizes.append(file.size)
            used.append(file.used)
            savings.append(file.saving)
            temporary.append(file.temporary)
            hashes.append(hash(file.path))
            key_space.append(spaces.setdefault(file.key_space, len(spaces)))
        self._folders, self._folder, self._names, self._ends = list(folders), folder, names, ends
        self.sizes: NDArray[np.int64] = _column(sizes)
        self.used: NDArray[np.float64] = _column(used)
        self.savings: NDArray[np.float64] = _column(savings)
        self.temporary: NDArray[np.bool_] = _column(temporary).view(np.bool_)
        self.hashes: NDArray[np.int64] = _column(hashes)
        self.key_spaces = list(spaces)
        self.key_space: NDArray[np.int32] = _column(key_space)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[StoredFile]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, place: int) -> StoredFile:
        return StoredFile(
            self.path(place),
            int(self.sizes[place]),
            float(self.used[place]),
            bool(self.temporary[place]),
            self.key_spaces[self.key_space[place]],
            float(self.savings[place]),
        )

    def path(self, place: int) -> str:
        """Of one file."""
        name = self._names[self._ends[place] : self._ends[place + 1]]
        return self._folders[self._folder[place]] + os.fsdecode(bytes(name))

    def among(self, paths: Collection[str]) -> NDArray[np.bool_]:
        """Which files have one of these paths, by 64 bits of their hashes."""
        return np.isin(self.hashes, np.fromiter(map(hash, paths), np.int64, len(paths)))

    def within(self, key_spaces: Collection[str]) -> NDArray[np.bool_]:
        """Which files are in one of these key spaces."""
        return np.isin(self.key_space, [place for place, name in enumerate(self.key_spaces) if name in key_spaces])


def _column(values: array[Any]) -> NDArray[Any]:
    """The same memory."""
    column = np.asarray(values)
    column.flags.writeable = False
    return column
