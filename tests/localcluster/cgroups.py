"""A node's cgroup: a subtree of every hierarchy, so that it can be found and removed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.localcluster.errors import LocalClusterError

# What kubelet wants in its own cgroup of those that the machine has.
_CONTROLLERS = frozenset({"cpu", "cpuset", "hugetlb", "memory", "pids"})
# The root of version 2 is here, when the machine uses nothing else.
_UNIFIED = Path("/sys/fs/cgroup")
# Short beside what a read takes, so that a throttled server is slow rather than gone now and then.
_PERIOD_MICROSECONDS = 50_000


def make(name: str) -> None:
    """Make the cgroup ``name`` in every hierarchy of this machine (one with cgroup v2, several with v1)."""
    if (_UNIFIED / "cgroup.controllers").exists():
        pass_on_controllers(_UNIFIED)
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)


def pass_on_controllers(root: Path) -> None:
    """Let the cgroups below version 2's root have what kubelet wants; systemd passes on only what it uses itself."""
    there = set((root / "cgroup.controllers").read_text().split())
    passed_on = root / "cgroup.subtree_control"
    # They stay so afterwards, as every container runtime leaves them: another one may have come to count on it.
    for controller in sorted(there & _CONTROLLERS - set(passed_on.read_text().split())):
        passed_on.write_text(f"+{controller}")


def throttle(name: str, share: float) -> Path:
    """Make the cgroup ``name`` in another one, whose processes get ``share`` of one processor at most.

    Called again, it changes the share.

    Returns:
        The file to which a process writes its number to join it.
    """
    if (_UNIFIED / "cgroup.controllers").exists():
        pass_on_controllers((_UNIFIED / name).parent)
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        quota = round(share * _PERIOD_MICROSECONDS)
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_MICROSECONDS}")
        elif (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            group.rmdir()
            continue
        return group / "cgroup.procs"
    raise LocalClusterError("This machine's cgroups cannot limit what a process takes of a processor.")


def used_seconds(name: str) -> float:
    """Seconds of a processor that the processes of the throttled cgroup ``name`` have used so far."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        if any((group / limit).exists() for limit in ("cpu.max", "cpu.cfs_quota_us")):
            ticks = sum(_ticks(int(number)) for number in (group / "cgroup.procs").read_text().split())
            return ticks / os.sysconf("SC_CLK_TCK")
    raise LocalClusterError(f"There is no throttled cgroup {name}.")


def _ticks(process: int) -> int:
    """What a process and its threads have used in user space and in the kernel (proc(5))."""
    behind_the_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(behind_the_name[11]) + int(behind_the_name[12])


def remove(name: str) -> None:
    """Remove the cgroup ``name`` and those below it; their processes must have been killed."""
    for hierarchy in _hierarchies():
        top = hierarchy / name
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
    deadline = time.monotonic() + 30
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            # Two may end the same cluster at once.
            return
        except OSError as error:
            # A killed process counts until the kernel has put it away, which nothing tells of.
            if time.monotonic() > deadline:
                raise LocalClusterError(f"The cgroup {group} cannot be removed ({error}).") from error
            time.sleep(0.02)
        else:
            return
