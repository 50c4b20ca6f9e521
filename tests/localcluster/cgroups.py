"""The node's cgroup: in its own subtree of every hierarchy, so that it can be found and removed."""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.localcluster.errors import LocalClusterError

NAME = "cake-node"


def make() -> None:
    """Make the node's cgroup in every hierarchy of this machine (one with cgroup v2, several with v1)."""
    for hierarchy in _hierarchies():
        (hierarchy / NAME).mkdir(exist_ok=True)


def remove() -> None:
    """Remove the node's cgroups; their processes must have been killed."""
    for hierarchy in _hierarchies():
        top = hierarchy / NAME
        if top.exists():
            for group in [*sorted(_groups(top), reverse=True), top]:
                _remove(group)


def _hierarchies() -> Iterator[Path]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind in {"cgroup", "cgroup2"} and "ro" not in options.split(","):
            yield Path(folder)


def _groups(top: Path) -> list[Path]:
    return [path for path in top.rglob("*") if path.is_dir()]


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            group.rmdir()
        except OSError as error:
            # A killed process counts until the kernel has put it away, which nothing tells of.
            if time.monotonic() > deadline:
                raise LocalClusterError(f"The cgroup {group} cannot be removed ({error}).") from error
            time.sleep(0.02)
        else:
            return
