"""Runs this folder's scripts with Node.js, which drives Chromium; what they need of npm is kept in the cache."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.localcluster import cache

__all__ = ["BrowserError", "run"]

SOURCES = Path(__file__).parent
FILES = (".npmrc", "package.json", "package-lock.json", "tsconfig.json", "*.mjs", "page/*")


class BrowserError(RuntimeError):
    """A script could not run, or complained; the text says of what, or what to install."""


def run(script: str, given: Any) -> None:
    """Run a script on what is given to it as JSON.

    Raises:
        BrowserError: A program is missing, a package could not be had, or the script complained.
    """
    chromium, node = _program("chromium"), _program("node")
    built = cache.made_once(cache.root() / "browser" / cache.fingerprint(*_sources()), _build)
    _run([node, str(built / script), chromium], built, json.dumps(given))


def _sources() -> list[Path]:
    return sorted(path for pattern in FILES for path in SOURCES.glob(pattern))


def _build(folder: Path) -> None:
    """The scripts, with the page in one of them; the packages that it is made of are not kept."""
    npm = _program("npm")
    for source in _sources():
        copy = folder / source.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    print("Fetching Grafana's components from npm, once...", flush=True)
    # No package's own installation script has a say.
    _run([npm, "ci", "--ignore-scripts"], folder)
    _run([npm, "run", "--silent", "check"], folder)
    _run([npm, "run", "--silent", "build"], folder)
    _run([npm, "prune", "--omit=dev", "--ignore-scripts"], folder)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        package = {"node": "nodejs"}.get(name, name)
        raise BrowserError(f"{name} was not found: install it, on Debian with `apt-get install {package}`.")
    return found


def _run(command: list[str], folder: Path, text: str = "") -> None:
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise BrowserError(f"`{' '.join(command)}` ended with exit status {done.returncode}:\n{said}")
