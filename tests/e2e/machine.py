"""What a cluster could leave behind on the machine that it ran on."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from tests.localcluster.namespaces import PRIVATE_FOLDERS


@dataclass(frozen=True)
class Traces:
    """The state of the machine, as far as a node changes it.

    Attributes:
        mounts: what is mounted where.
        links: network interfaces by name.
        chains: netfilter rules.
        namespaces: network namespaces with a name.
        cgroups: folders of the node's cgroup.
        folders: machine-wide folders of a node's programs.
        settings: kernel settings that kubelet likes to change.
    """

    mounts: frozenset[str]
    links: frozenset[str]
    chains: str
    namespaces: str
    cgroups: tuple[str, ...]
    folders: tuple[str, ...]
    settings: tuple[str, ...]

    @classmethod
    def now(cls) -> Self:
        """The present state."""
        kernel = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "vm/panic_on_oom")
        network = ("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet")
        return cls(
            mounts=frozenset(Path("/proc/self/mounts").read_text().splitlines()),
            links=frozenset(os.listdir("/sys/class/net")),
            chains=_rules(),
            namespaces=_output("ip", "netns", "list"),
            cgroups=tuple(str(path) for path in Path("/sys/fs/cgroup").rglob("cake-node*")),
            folders=tuple(folder for folder in PRIVATE_FOLDERS if Path(folder).exists()),
            settings=tuple(Path("/proc/sys", name).read_text() for name in (*kernel, *network)),
        )


def processes_beside(pid: int) -> list[psutil.Process]:
    """The processes in the PID namespace of process ``pid``: all containers of a node, and its programs."""
    namespace = os.readlink(f"/proc/{pid}/ns/pid")
    return [process for process in psutil.process_iter() if _pid_namespace(process) == namespace]


def _pid_namespace(process: psutil.Process) -> str | None:
    try:
        return os.readlink(f"/proc/{process.pid}/ns/pid")
    except OSError:
        # It ended meanwhile.
        return None


def _rules() -> str:
    lines = _output("iptables-save").splitlines()
    # Comments bear times, and chains counters.
    return "\n".join(line.split(" [")[0] for line in lines if not line.startswith("#"))


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
