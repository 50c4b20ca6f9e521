"""Kinds of others for which the chart, the operator and the guides write objects: their CRDs, from their Go modules."""

import json
import os
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.localcluster import binary, cache
from tests.localcluster.errors import LocalClusterError

ATTEMPTS = 3


@dataclass(frozen=True)
class Definition:
    """A CustomResourceDefinition as its project ships it.

    Attributes:
        module: The Go module with its version.
        path: Of the file in it.
        digest: SHA-256 of that file.
    """

    module: str
    path: str
    digest: str

    @property
    def name(self) -> str:
        """Of the file alone."""
        return Path(self.path).name


_MONITORING = "github.com/prometheus-operator/prometheus-operator@v0.93.1", "example/prometheus-operator-crd"
_GATEWAY = "sigs.k8s.io/gateway-api@v1.5.0", "config/crd/standard"
_INFERENCE = "sigs.k8s.io/gateway-api-inference-extension@v1.5.0", "config/crd/bases"
_KEDA = "github.com/kedacore/keda/v2@v2.19.0", "config/crd/bases"
DEFINITIONS = [
    Definition(module, f"{folder}/{name}.yaml", digest)
    for (module, folder), name, digest in (
        (
            _MONITORING,
            "monitoring.coreos.com_podmonitors",
            "eef45bb50df838a85226eb6b03c0c7094c54d605776bdf2ec149f17fba8a1df0",
        ),
        (
            _MONITORING,
            "monitoring.coreos.com_prometheusrules",
            "2d72928f7ceb99d153f2f91d2c2fd68d4b89c4914f2a09e15ac049b2f0316df3",
        ),
        (
            _GATEWAY,
            "gateway.networking.k8s.io_httproutes",
            "b53571cb0ebec76f61e42ef634f10dd53988982ecbc23f137f61ae560978fb60",
        ),
        (
            _INFERENCE,
            "inference.networking.k8s.io_inferencepools",
            "0bc3ddd94db6f588a5cecc627c39e3d12b4343d51c48d47ffa68c50fa73c290c",
        ),
        (_KEDA, "keda.sh_scaledobjects", "942eef8eb5dbf1bfec7526ef0625584135f73e4bc34dfdabbc6d1daa07d44962"),
    )
]


def fetch() -> Path:
    """Put the definitions into the cache unless they are there; returns their folder.

    Raises:
        LocalClusterError: Go is missing, a module cannot be had, or it is not what was pinned.
    """
    digests = "".join(one.digest for one in DEFINITIONS)
    return cache.made_once(cache.root() / "foreign-kinds" / cache.fingerprint(digests), _fetch)


def _fetch(folder: Path) -> None:
    folder.mkdir()
    with cache.scratch("go") as modules:
        folders = {module: _download(module, modules) for module in sorted({one.module for one in DEFINITIONS})}
        for one in DEFINITIONS:
            content = (folders[one.module] / one.path).read_bytes()
            if (found := sha256(content).hexdigest()) != one.digest:
                raise LocalClusterError(f"{one.path} of {one.module} is not the file that was pinned: {found}.")
            (folder / one.name).write_bytes(content)


def _download(module: str, into: Path) -> Path:
    """The folder of a module; each file that is used is compared with its digest, so no other sum is asked for."""
    environment = os.environ | {
        "GOMODCACHE": str(into),
        "GOFLAGS": "-modcacherw",
        "GONOSUMDB": "*",
        "GOWORK": "off",
    }
    command = [binary.find_go(), "mod", "download", "-json", module]
    said = ""
    for _ in range(ATTEMPTS):
        done = subprocess.run(command, cwd=into, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return Path(json.loads(done.stdout)["Dir"])
        said = done.stdout + done.stderr
    raise LocalClusterError(f"Go could not fetch {module}: {said.strip()[-500:]}")
