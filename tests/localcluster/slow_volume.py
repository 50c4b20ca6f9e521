"""A volume whose file server is short of a processor: all that pods read and write there shares what it can do.

Debian's bindfs shows a folder through FUSE, and a quota of CPU time is its bandwidth. So it is contended as a network
file system is: a write that one pod makes takes time from another pod's read, and small files cost more than their
bytes.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.localcluster import cgroups, debian, volumes
from tests.localcluster.namespaces import Namespaces
from tests.localcluster.processes import Processes
from tests.localcluster.runs import Run

_SECONDS = 30.0


@dataclass(frozen=True)
class SlowVolume:
    """One that is mounted.

    Attributes:
        path: Where pods find it.
    """

    path: Path
    _cgroup: str

    def throttle(self, share: float) -> None:
        """From now its file server may take this share of one processor."""
        cgroups.throttle(self._cgroup, share)

    def used_seconds(self) -> float:
        """Seconds of a processor that its file server has used so far."""
        return cgroups.used_seconds(self._cgroup)


def mount(run: Run, processes: Processes, name: str, share: float) -> SlowVolume:
    """Mount one in the namespaces of a running node.

    Args:
        run: The node's.
        processes: That end with the node.
        name: Of the volume.
        share: Of one processor, that the file server may take.
    """
    debian.provide_command("bindfs")
    behind, shown = (run.folder / "slow" / name / part for part in ("behind", "mount"))
    for folder in (behind, shown):
        volumes.require_folder(folder, writable=True)
    node = Namespaces.of(run.folder)
    cgroup = f"{run.cgroup}/slow-{name}"
    members = cgroups.throttle(cgroup, share)
    joined = ("sh", "-c", f'echo $$ > "{members}" && exec "$@"', "sh")
    processes.start(f"slow-{name}", [*joined, *node.within, "bindfs", "-f", behind, shown])
    # The machine does not see what is mounted in there, but by the eyes of a process that does.
    seen = Path(f"/proc/{node.first_process}/root") / shown.relative_to("/")
    processes.wait_until(f"the slow volume {name} is mounted", seen.is_mount, _SECONDS)
    return SlowVolume(shown, cgroup)
