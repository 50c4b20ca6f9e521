"""Folders of this machine as claims of the local cluster: what a shared file system is elsewhere."""

import json
import os
from pathlib import Path

from tests.localcluster.cluster import Cluster
from tests.localcluster.errors import LocalClusterError

# Whom our pods run as.
POD_USER = 65532
CAPACITY = "1Ti"


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


def bind(cluster: Cluster, name: str, namespace: str, path: Path) -> None:
    """Make ``path`` a PersistentVolume, and claim ``name`` bound to it."""
    volume = f"{namespace}-{name}"
    # Also for what cannot be written: pods ask for what the claim of a model usually is.
    shape = {"accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeMode": "Filesystem"}
    objects = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": {
                **shape,
                "capacity": {"storage": CAPACITY},
                "claimRef": {"namespace": namespace, "name": name},
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(path), "type": "Directory"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {**shape, "volumeName": volume, "resources": {"requests": {"storage": CAPACITY}}},
        },
    ]
    cluster.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    cluster.kubectl("wait", "-n", namespace, f"pvc/{name}", "--for=jsonpath={.status.phase}=Bound", "--timeout=30s")
