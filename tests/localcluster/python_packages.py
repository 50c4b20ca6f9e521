"""Python packages for images: installed or copied into a folder, and compiled."""

import compileall
import importlib.metadata
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.localcluster import cache
from tests.localcluster.errors import LocalClusterError

# The Python of Debian bookworm, which runs in the images: bytecode of another one would be ignored there.
VERSION = (3, 11)


def install(requirements: Path, target: Path) -> None:
    """Install pinned requirements into ``target``."""
    command = [_uv(), "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    options = ["--python", sys.executable, "--target", str(target), "--requirement", str(requirements)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LocalClusterError(f"uv could not install {requirements}: {done.stderr.strip()}")
    _compile(target)


def sources(package: Path) -> list[Path]:
    """The files of a package, in a fixed order, without what Python makes of them."""
    return [path for path in sorted(package.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def copy(packages: Iterable[Path], target: Path) -> None:
    """Copy packages of this checkout into ``target``."""
    for package in packages:
        for source in sources(package):
            copied = target / source.relative_to(package.parent)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copied)
    _compile(target)


def copy_metadata(distribution: str, target: Path) -> None:
    """Let a copied distribution be known by its name and version, as an installed one is."""
    installed = importlib.metadata.distribution(distribution)
    folder = target / f"{distribution.replace('-', '_')}-{installed.version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "METADATA").write_text(installed.read_text("METADATA") or "")


def _compile(folder: Path) -> None:
    if sys.version_info[:2] != VERSION:
        wanted = ".".join(map(str, VERSION))
        raise LocalClusterError(
            f"Images are made with Python {wanted}, as Debian has it: run this with the .venv of `make env`."
        )
    # Files of a layer bear no times, so that the bytecode must not be checked against them.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    # In the images the folder is another: a traceback shows the path below it.
    compileall.compile_dir(folder, quiet=1, stripdir=str(folder), invalidation_mode=mode)


def _uv() -> str:
    kept = cache.root() / "uv/bin/uv"
    found = str(kept) if kept.exists() else shutil.which("uv")
    if found is None:
        raise LocalClusterError("uv was not found: run `make env`, which provides it.")
    return found
