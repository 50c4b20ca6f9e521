"""A base for the Dockerfiles, and what pip needs in them: nothing of it from a registry of images."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from tests.images.buildah import ROOT
from tests.localcluster import cache, rootfs
from tests.localcluster.oci import Image, Layer, LayerWriter

NAME = "localhost/python:3.11"
# Where Debian's Python looks for packages of its own, and for those of an administrator.
OWN, ADDED = "usr/lib/python3/dist-packages", "usr/local/lib/python3.11/dist-packages"
REQUIREMENTS = [ROOT / "requirements/operator.txt", ROOT / "requirements/engine.txt"]
WHEELS, SETTINGS = "/wheels", "/etc/pip.conf"


def python_image(folder: Path) -> Image:
    """The local cluster's Debian with pip, in the place of a registry's Python image."""
    pip = importlib.metadata.distribution("pip")
    tar = folder / "pip.tar"
    with LayerWriter(tar) as layer:
        layer.add_tree(Path(str(pip.locate_file("pip"))), f"{OWN}/pip")
        layer.add_folder(ADDED)
    return Image(NAME, [rootfs.base_layer(), Layer.of(tar)], ["python3"], user="0:0")


def offline_pip(folder: Path) -> dict[Path, str]:
    """What a build has to see so that pip finds every package and asks nobody: where it lies here, and where there."""
    settings = folder / "pip.conf"
    settings.write_text(f"[global]\nno-index = true\nfind-links = {WHEELS}\ndisable-pip-version-check = true\n")
    return {_wheels(): WHEELS, settings: SETTINGS}


def _wheels() -> Path:
    """What the lock files of both images pin, and what builds our own wheel."""
    builder = f"hatchling=={importlib.metadata.version('hatchling')}"

    def download(target: Path) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(target)]
        pinned = [["--no-deps", "--require-hashes", "--requirement", str(file)] for file in REQUIREMENTS]
        for wanted in (*pinned, [builder]):
            subprocess.run([*pip, *wanted], check=True)

    return cache.made_once(cache.root() / "wheels" / cache.fingerprint(*REQUIREMENTS, builder), download)
