"""The end of a cluster, the same after a crash as after a day's work: kill, remove, forget."""

from tests.localcluster import cgroups, namespaces, processes, runs
from tests.localcluster.runs import Run


def end(run: Run) -> None:
    """End the cluster and remove all that it made; may be repeated."""
    if not run.folder.exists():
        return
    # Nothing in it is worth a graceful end: its data goes with it. The namespaces' first process is one of them, and
    # takes every container with it.
    processes.end(processes.marked(run.folder))
    if run.is_node:
        cgroups.remove(run.cgroup)
    run.forget()
    if run.is_node:
        namespaces.remove_mount_points()


def end_abandoned() -> list[Run]:
    """End the clusters whose owner died, and those without owner whose processes died (a reboot); returns them."""
    ended = [run for run in runs.all_runs() if is_abandoned(run)]
    for run in ended:
        end(run)
    return ended


def is_abandoned(run: Run) -> bool:
    """Whether nobody will ever use or end it."""
    return not run.owner.lives() if run.owner else not processes.marked(run.folder)
