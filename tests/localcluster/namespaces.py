"""The namespaces that the node lives in: network, mounts and processes of its own, with no way out.

Everything that a node strews about (chains, links, mounts, sockets, containers) is inside, and the kernel takes all of
it away when the first process in there is killed. So there is nothing to clean up, however a cluster ends.
"""

import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from tests.localcluster import cache
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.processes import Processes, marked

_INIT = "tini"
BRIDGE = "cake0"
NODE_ADDRESS = "10.88.0.1"
POD_RANGE = "10.88.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"

# kubelet insists on these kernel settings. It sees them; the machine keeps its own.
_KERNEL_SETTINGS = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}
# What programs of a node write outside the folders that they are told to use. Where one of these is missing on the
# machine it is made to be mounted on, and removed with the cluster.
PRIVATE_FOLDERS = ("/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers")


class Namespaces:
    """The namespaces of the node whose run's folder is ``folder``.

    Attributes:
        first_process: the machine's number of the process with which they end.
        within: words to put before a command so that it runs in there.
    """

    def __init__(self, folder: Path, first_process: int) -> None:
        self._folder = folder
        self.first_process = first_process
        self.within: Sequence[str] = (
            "nsenter", f"--target={first_process}", "--net", "--mount", "--pid", "--",
        )  # fmt: skip

    @classmethod
    def make(cls, folder: Path, processes: Processes) -> Self:
        """New ones, whose first process ``processes`` starts."""
        init = [_INIT, "--", "sleep", "infinity"]
        unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        processes.start("namespaces", [*unshare, *init])
        # unshare forks, mounts /proc, and only then becomes the init program.
        processes.wait_until("the node's namespaces are there", lambda: _first_process(folder) is not None, seconds=30)
        namespaces = cls.of(folder)
        namespaces._arrange_mounts()
        namespaces._arrange_network()
        return namespaces

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Those of a running node.

        Raises:
            LocalClusterError: it does not run.
        """
        first = _first_process(folder)
        if first is None:
            raise LocalClusterError(
                f"The node in {folder} has ended: `python -m tests.localcluster up` starts another."
            )
        return cls(folder, first)

    def show_read_only(self, path: Path, name: str) -> Path:
        """Let the machine's folder ``path`` be seen in there at the path returned, where nothing can write to it."""
        # Another folder under the same name gets another place.
        shown = self._folder / "volumes" / f"{name}-{cache.fingerprint(str(path))}"
        if not shown.exists():
            shown.mkdir(parents=True)
            try:
                self.run("mount", "-o", "bind,ro", path, shown)
            except LocalClusterError:
                shown.rmdir()
                raise
        return shown

    def run(self, *command: str | Path) -> str:
        """Run a command in there, to its end; returns what it prints."""
        done = subprocess.run([*self.within, *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = " ".join(map(str, command))
            raise LocalClusterError(
                f"`{words}` failed in the node's namespaces: {done.stderr.strip()}; "
                "the node needs root with all capabilities, and a kernel with bridges, overlayfs and netfilter."
            )
        return done.stdout

    def _arrange_mounts(self) -> None:
        self.run("mount", "-t", "tmpfs", "tmpfs", "/run")
        with _mount_points():
            for private in PRIVATE_FOLDERS:
                kept = self._folder / "private" / private[1:]
                kept.mkdir(parents=True)
                Path(private).mkdir(parents=True, exist_ok=True)
                self.run("mount", "--bind", kept, private)
        for setting, value in _KERNEL_SETTINGS.items():
            shown = self._folder / "private/sys" / setting
            shown.parent.mkdir(parents=True, exist_ok=True)
            shown.write_text(f"{value}\n")
            self.run("mount", "--bind", shown, f"/proc/sys/{setting}")

    def _arrange_network(self) -> None:
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "add", BRIDGE, "type", "bridge")
        self.run("ip", "address", "add", f"{NODE_ADDRESS}/16", "dev", BRIDGE)
        self.run("ip", "link", "set", BRIDGE, "up")
        # There is no default route, so the node itself needs one to Services; pods have theirs through the bridge.
        self.run("ip", "route", "add", SERVICE_RANGE, "dev", BRIDGE)
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def _first_process(folder: Path) -> int | None:
    """The init program, which no other process of the node is called like."""
    return next((process.pid for process in marked(folder, _INIT)), None)


def remove_mount_points() -> None:
    """Remove the machine's folders that were only made to be mounted on, when no node is left: those that are empty.

    A folder that is removed takes what is mounted on it along, in other namespaces too.
    """
    with _mount_points():
        if marked(name=_INIT):
            return
        for private in PRIVATE_FOLDERS:
            if Path(private).is_dir() and not any(Path(private).iterdir()):
                Path(private).rmdir()


def _mount_points() -> AbstractContextManager[None]:
    """Keeps a node that ends from removing them under one that starts."""
    return cache.lock("mount-points")
