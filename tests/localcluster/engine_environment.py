"""vLLM for the local engine image: this checkout's Python environment, 5 GB that no image carries."""

import sysconfig
from pathlib import Path
from typing import Any

from tests.localcluster import images

CLAIM = "engine-environment"


def folder() -> Path:
    """Its site-packages."""
    return Path(sysconfig.get_paths()["purelib"])


def mounted() -> dict[str, Any]:
    """Fields of ``spec.engine`` that mount the claim `CLAIM` where the local engine image looks for vLLM."""
    mount = {"name": "environment", "mountPath": f"/{images.ENVIRONMENT}", "readOnly": True}
    volume = {"name": "environment", "persistentVolumeClaim": {"claimName": CLAIM, "readOnly": True}}
    pod = {"containers": [{"name": "engine", "volumeMounts": [mount]}], "volumes": [volume]}
    return {"podTemplate": {"spec": pod}}
