"""A Secret as the kubelet mounts it: files are links through a folder whose name changes with each version."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from pathlib import Path

DATA = "..data"


class MountedSecret:
    """A folder with a Secret's keys.

    Attributes:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = itertools.count(1)
        self._began = time.time()
        folder.mkdir()

    def write(self, keys: Mapping[str, bytes]) -> None:
        """Put another version in place, all of it at once."""
        number = next(self._versions)
        version = self.folder / f"..version_{number}"
        version.mkdir()
        for key, value in keys.items():
            (version / key).write_bytes(value)
            # Real versions are minutes apart, and those who poll tell them by the second.
            os.utime(version / key, (self._began + 60 * number,) * 2)
            link = self.folder / key
            if not link.is_symlink():
                link.symlink_to(Path(DATA) / key)
        fresh = self.folder / f"{DATA}_tmp"
        fresh.symlink_to(version.name)
        fresh.replace(self.folder / DATA)
