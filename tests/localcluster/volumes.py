"""Folders of this machine as claims of the local cluster: what a shared file system is elsewhere."""

import json
import os
from pathlib import Path

from tests.localcluster.cluster import Cluster
from tests.localcluster.errors import LocalClusterError

# Whom our pods run as.
POD_USER = 65532
CAPACITY = "1Ti"


def mount(cluster: Cluster, name: str, namespace: str, path: Path, read_only: bool) -> None:
    """Make ``path`` the PersistentVolume of a bound claim; a writable one that is missing is made for pods to write.

    Raises:
        LocalClusterError: a read-only folder is missing.
    """
    if not path.is_dir():
        if read_only:
            raise LocalClusterError(f"{path} is not a folder, so claim {name} cannot show it: make it first.")
        path.mkdir(parents=True)
        os.chown(path, POD_USER, POD_USER)
    mode = "ReadOnlyMany" if read_only else "ReadWriteMany"
    volume = f"{namespace}-{name}"
    shape = {"accessModes": [mode], "storageClassName": "", "volumeMode": "Filesystem"}
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
