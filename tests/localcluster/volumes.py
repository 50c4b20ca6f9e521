"""Folders of this machine as claims of the local cluster: what a shared file system is elsewhere."""

import os
from pathlib import Path
from typing import Any

from tests.localcluster.errors import LocalClusterError

# Whom our pods run as.
POD_USER = 65532
CAPACITY = "1Ti"
# No object of this name is needed: volumes and claims that name the same class find each other.
STORAGE_CLASS = "local-folder"


def require_folder(path: Path, writable: bool) -> None:
    """Make sure that ``path`` is a folder; a writable one that is missing is made for pods to write.

    Raises:
        LocalClusterError: it is missing, and not to be written.
    """
    if path.is_dir():
        return
    if not writable:
        raise LocalClusterError(f"{path} is not a folder, so no claim can show it: make it first.")
    path.mkdir(parents=True)
    os.chown(path, POD_USER, POD_USER)


def volume(claim: str, namespace: str, path: Path) -> dict[str, Any]:
    """The PersistentVolume that shows ``path`` to one claim and no other."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{claim}"},
        "spec": {
            "capacity": {"storage": CAPACITY},
            # Also for what cannot be written: pods ask for what the claim of a model usually is.
            "accessModes": ["ReadWriteMany"],
            "storageClassName": STORAGE_CLASS,
            "claimRef": {"namespace": namespace, "name": claim},
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(path), "type": "Directory"},
        },
    }
