"""A volume whose file server is short of a processor: all that pods read and write there shares what it can do.

Debian's bindfs shows a folder through FUSE, and a quota of CPU time is its bandwidth. So it is contended as a network
file system is: a write that one pod makes takes time from another pod's read, and small files cost more than their
bytes.
"""

from pathlib import Path

from tests.localcluster import cgroups, debian, volumes
from tests.localcluster.namespaces import Namespaces
from tests.localcluster.processes import Processes
from tests.localcluster.runs import Run

_SECONDS = 30.0


def mount(run: Run, processes: Processes, name: str, share: float) -> Path:
    """Mount one in the namespaces of a running node.

    Args:
        run: The node's.
        processes: That end with the node.
        name: Of the volume.
        share: Of one processor, that the file server may take.

    Returns:
        Where pods find it.
    """
    debian.provide_command("bindfs")
    behind, shown = (run.folder / "slow" / name / part for part in ("behind", "mount"))
    for folder in (behind, shown):
        volumes.require_folder(folder, writable=True)
    node = Namespaces.of(run.folder)
    members = cgroups.throttle(f"{run.cgroup}/slow-{name}", share)
    joined = ("sh", "-c", f'echo $$ > "{members}" && exec "$@"', "sh")
    processes.start(f"slow-{name}", [*joined, *node.within, "bindfs", "-f", behind, shown])
    # The machine does not see what is mounted in there, but by the eyes of a process that does.
    seen = Path(f"/proc/{node.first_process}/root") / shown.relative_to("/")
    processes.wait_until(f"the slow volume {name} is mounted", seen.is_mount, _SECONDS)
    return shown
