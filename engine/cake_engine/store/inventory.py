"""What a tier's folder holds, by whose blocks they are; reads names and sizes only, so it is safe on a live claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cake_engine.store.census import files_of
from cake_engine.store.directory import MANIFEST


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
    """

    folder: str
    fingerprint: dict[str, Any]
    blocks: int
    temporaries: int
    size_bytes: int
    last_used: float | None


def holdings(root: Path) -> Iterator[Holding]:
    """One for each fingerprint, in the order of their names; folders of something else are left out.

    Raises:
        OSError: The folder is not there or cannot be read.
    """
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        files = list(files_of(folder))
        fingerprint = _manifest(folder)
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
        )


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):  # it is there for people only: without it the blocks are as good
        return {}
    return found if isinstance(found, dict) else {}
