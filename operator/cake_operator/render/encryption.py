"""The key of encrypted blocks: a Secret of the user's that pods mount. The operator never reads it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.secret_files import secret_mount, secret_volume

__all__ = ["encryption_key_file", "encryption_mounts", "encryption_volumes"]

FOLDER: Final = PurePosixPath("/etc/cake/encryption")


def encryption_key_file(resource: CakeDeployment) -> str | None:
    """Where the engine finds the key; None without encryption."""
    encryption = resource.spec.encryption
    return None if encryption is None else str(FOLDER / encryption.key_secret_ref.key)


def encryption_volumes(resource: CakeDeployment) -> list[dict[str, Any]]:
    """The Secret as a volume."""
    if resource.spec.encryption is None:
        return []
    secret = resource.spec.encryption.key_secret_ref
    return [secret_volume("encryption", secret.name, (secret.key,))]


def encryption_mounts(resource: CakeDeployment) -> list[dict[str, Any]]:
    """Where it is mounted: a file, because variables are inherited by every process and shown by some."""
    return [] if resource.spec.encryption is None else [secret_mount("encryption", FOLDER)]
