"""The namespaces that the node lives in: network, mounts and processes of its own, with no way out.

Everything that a node strews about (chains, links, mounts, sockets, containers) is inside, and the kernel takes all of
it away when the first process in there is killed. So there is nothing to clean up, however a cluster ends.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.localcluster.errors import LocalClusterError
from tests.localcluster.processes import Processes

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
    """New namespaces, alive as long as their first process, which ``processes`` starts.

    Args:
        folder: the run's folder; what is private to the mounts is kept there.
        processes: what starts the first process.
    """

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder
        init = ["tini", "-s", "--", "sleep", "infinity"]
        unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        outer = psutil.Process(processes.start("namespaces", [*unshare, *init]).pid)
        processes.wait_until("the node's namespaces are there", lambda: _is_inside(outer), seconds=10)
        self.first_process = outer.children()[0].pid
        self.within: Sequence[str] = (
            "nsenter", f"--target={self.first_process}", "--net", "--mount", "--pid", "--",
        )  # fmt: skip
        self._arrange_mounts()
        self._arrange_network()

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


def _is_inside(outer: psutil.Process) -> bool:
    # unshare forks, mounts /proc, and only then becomes the init program.
    return any(child.name() == "tini" for child in outer.children())


def remove_mount_points() -> None:
    """Remove the machine's folders that were only made to be mounted on: those that are empty."""
    for private in PRIVATE_FOLDERS:
        if Path(private).is_dir() and not any(Path(private).iterdir()):
            Path(private).rmdir()
