"""What a tier's folder holds, by whose blocks they are; reads names and sizes only, so it is safe on a live claim."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cake_engine.store.census import files_of, key_spaces
from cake_engine.store.listing import StoredFile
from cake_engine.store.manifest import manifest_of

AGES = {"< 1 h": 3600.0, "< 1 d": 86400.0, "< 7 d": 604800.0, "older": math.inf}
"""Classes of time since a block was last used, and where they end, in seconds."""


@dataclass(frozen=True)
class Holding:
    """The blocks of one fingerprint.

    Attributes:
        folder: Its name.
        fingerprint: What stands beside the blocks; empty where that cannot be read.
        blocks: Published files.
        temporaries: Files that are being written, or were when their writer died.
        size_bytes: Of both.
        last_used: Of the block used last, seconds since the epoch; None without blocks.
        ages: Bytes of blocks by class of age.
    """

    folder: str
    fingerprint: dict[str, Any]
    blocks: int
    temporaries: int
    size_bytes: int
    last_used: float | None
    ages: Mapping[str, int]

    def named(self, member: str) -> str:
        """A member of the fingerprint, for people: it is read from a file that anyone may have written."""
        found = self.fingerprint.get(member)
        return "-" if found is None else "".join(c if c.isprintable() else "?" for c in str(found))


def holdings(root: Path, now: float) -> Iterator[Holding]:
    """One for each fingerprint, in the order of their names; folders of something else are left out.

    Args:
        root: Folder of the tier.
        now: Seconds since the epoch, for the ages.

    Raises:
        OSError: The folder is not there or cannot be read.
    """
    root.stat()  # a folder that is not there is not a tier without blocks
    for folder in sorted(map(Path, key_spaces(root))):
        files = list(files_of(folder))
        fingerprint = manifest_of(folder)
        if not files and not fingerprint:
            continue
        used = [file.used for file in files if not file.temporary]
        yield Holding(
            folder=folder.name,
            fingerprint=fingerprint,
            blocks=len(used),
            temporaries=len(files) - len(used),
            size_bytes=sum(file.size for file in files),
            last_used=max(used, default=None),
            ages=_ages(files, now),
        )


def _ages(files: list[StoredFile], now: float) -> dict[str, int]:
    ages = dict.fromkeys(AGES, 0)
    for file in files:
        if not file.temporary:
            ages[next(name for name, end in AGES.items() if now - file.used < end)] += file.size
    return ages
