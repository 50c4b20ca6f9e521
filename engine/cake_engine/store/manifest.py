"""The fingerprint's document beside its blocks: for people, and for who counts blocks that are not his own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MANIFEST = "fingerprint.json"


def manifest_of(key_space: str | os.PathLike[str]) -> dict[str, Any]:
    """What stands beside the blocks of a fingerprint, believed by nobody; empty where that cannot be read."""
    try:
        found = json.loads((Path(key_space) / MANIFEST).read_text())
    except (OSError, ValueError):  # blocks are as good without it
        return {}
    return found if isinstance(found, dict) else {}
