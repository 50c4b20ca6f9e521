"""What the local cluster asks of its machine, and what it takes the machine's word for."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.cluster.waiting import eventually
from tests.localcluster import LocalClusterError, binary, cgroups, runs
from tests.localcluster.runs import Owner


def test_a_go_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    old.chmod(0o755)
    monkeypatch.setenv("CAKE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LocalClusterError, match=rf"{old} is too old .*install Go 1\.25.* says: go version go1\.19\.8"):
        binary.build()


def test_cgroups_below_the_root_get_what_kubelet_wants_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids rdma misc\n")
    passed_on = tmp_path / "cgroup.subtree_control"
    passed_on.write_text("cpuset cpu io memory pids\n")

    cgroups.pass_on_controllers(tmp_path)

    assert passed_on.read_text() == "+hugetlb"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a cgroup")
def test_a_throttled_process_is_counted_and_gets_no_more_than_its_share() -> None:
    name, began = f"cake-test-throttled-{os.getpid()}", time.monotonic()
    members = cgroups.throttle(name, 0.1)
    spin = f'echo $$ > "{members}"; while :; do :; done'
    try:
        with subprocess.Popen(["sh", "-c", spin]) as process:
            try:
                eventually(lambda: cgroups.used_seconds(name) >= 0.2, "it has used some")
                used, lasted = cgroups.used_seconds(name), time.monotonic() - began
            finally:
                process.kill()
    finally:
        cgroups.remove(name)
    assert used <= 0.1 * lasted + 0.05


def test_an_owner_lives_as_long_as_its_process_and_not_as_another_of_that_number() -> None:
    own = Owner.this_process()
    with subprocess.Popen(["sleep", "infinity"]) as process:
        process.kill()
        # It is a zombie from here on, until the block ends.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        ended = Owner(process.pid, runs.started(process.pid))
        assert not ended.lives()

    assert own.lives()
    assert not ended.lives()
    assert not Owner(own.pid, ended.started).lives()
