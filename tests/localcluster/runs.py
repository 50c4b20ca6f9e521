"""The clusters of this user: a folder each, with a record of who owns it."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from tests.localcluster import cache
from tests.localcluster.errors import LocalClusterError

# Clusters with a node are called node, node-2, node-3: each name keeps its store of images from run to run.
NODE = "node"
CONTROL_PLANE = "control-plane"
# A Unix socket's path holds at most 107 bytes; the longest of ours in a run's folder is containerd's.
_LONGEST_FOLDER = 107 - len("/containerd.sock.ttrpc")


@dataclass(frozen=True)
class Owner:
    """The process that a cluster ends with."""

    pid: int
    started: str

    @classmethod
    def this_process(cls) -> Self:
        """The owner that this process is."""
        return cls(os.getpid(), started(os.getpid()))

    def lives(self) -> bool:
        """Whether that very process, not another with its number, still runs."""
        try:
            return started(self.pid) == self.started and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            return False


def started(pid: int) -> str:
    """When a process started: the boot, and the clock tick since. A time of day would move when the clock is set."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # proc(5): field 22; the second, the program's name in brackets, may hold spaces and brackets.
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{boot} {ticks}"


@dataclass(frozen=True)
class Run:
    """One cluster's folder and record.

    Attributes:
        name: what it is called; those with a node are ``node``, ``node-2`` and so on.
        port: where its API server answers on 127.0.0.1.
        owner: whose end is its end; None for one that was left running on purpose.
    """

    name: str
    port: int
    owner: Owner | None

    @property
    def folder(self) -> Path:
        """Everything that only this cluster needs."""
        return runs_folder() / self.name

    @property
    def is_node(self) -> bool:
        """Whether pods run on it."""
        return self.name.partition("-")[0] == NODE

    @property
    def cgroup(self) -> str:
        """The name of the node's cgroup; another cache on this machine may have a node of the same name."""
        return f"cake-{self.name}-{cache.fingerprint(str(self.folder))}"

    @property
    def store(self) -> Path:
        """Where the node's containerd keeps images, for later runs of the same name too."""
        return cache.root() / "stores" / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def url(self) -> str:
        """The API server's address as seen from this machine."""
        return f"https://127.0.0.1:{self.port}"

    def claim(self) -> None:
        """Make the folder with its record; before anything is started, so that no crash leaves something unknown."""
        if len(str(self.folder)) > _LONGEST_FOLDER:
            raise LocalClusterError(
                f"The path {self.folder} is too long to hold Unix sockets: set CAKE_CACHE to a shorter folder."
            )
        with cache.replacing(self.folder) as fresh:
            fresh.mkdir(mode=0o700)
            self._record(fresh)

    def disown(self) -> Self:
        """The same cluster with no owner: it runs until somebody takes it down."""
        kept = type(self)(self.name, self.port, owner=None)
        kept._record(self.folder)
        return kept

    def forget(self) -> None:
        """Remove the folder; nothing of the cluster may be left when this is called."""
        with cache.scratch("ended") as folder, suppress(FileNotFoundError):
            # Two may end the same cluster at once: the one that gets the folder removes it.
            self.folder.rename(folder / self.name)

    def _record(self, folder: Path) -> None:
        with cache.replacing(folder / "run.json") as fresh:
            fresh.write_text(json.dumps(asdict(self)))


def runs_folder() -> Path:
    """Where the folders of clusters are."""
    return cache.root() / "runs"


def all_runs() -> Iterator[Run]:
    """Every cluster with a record, running or not, by name."""
    for record in sorted(runs_folder().glob("*/run.json")):
        try:
            fields = json.loads(record.read_text())
        except FileNotFoundError:
            # It was taken down meanwhile.
            continue
        owner = Owner(**fields["owner"]) if fields["owner"] else None
        yield Run(fields["name"], fields["port"], owner)


def find(name: str) -> Run | None:
    """The cluster of that name, if there is one."""
    return next((run for run in all_runs() if run.name == name), None)
