"""A Secret whose keys a pod sees as files. The operator names it, and never reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Final

__all__ = ["secret_mount", "secret_volume"]

# For the owner's group, which fsGroup makes that of the process.
MODE: Final = 0o440


def secret_volume(name: str, secret: str, keys: Sequence[str]) -> dict[str, Any]:
    """The Secret as a volume. Its keys are named, so that the kubelet says which one is missing."""
    items = [{"key": key, "path": key} for key in keys]
    return {"name": name, "secret": {"secretName": secret, "items": items, "defaultMode": MODE}}


def secret_mount(name: str, folder: PurePosixPath) -> dict[str, Any]:
    """Where that volume is mounted. A folder: single files (subPath) would never be renewed."""
    return {"name": name, "mountPath": str(folder), "readOnly": True}
