"""Claims of volumes that many pods share."""

from typing import Any

# Enough for a small model or its KV cache; the volume may have more.
SIZE = "10Gi"


def claim(name: str, namespace: str, storage_class: str) -> dict[str, Any]:
    """A ReadWriteMany claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": SIZE}},
        },
    }
