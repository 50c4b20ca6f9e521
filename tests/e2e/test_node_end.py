"""The end of a node, and what is left of it: nothing."""

import subprocess
import sys
from pathlib import Path

import psutil

from tests.e2e.machine import Traces, processes_beside
from tests.localcluster import Cluster
from tests.localcluster.local import LocalCluster
from tests.localcluster.namespaces import Namespaces
from tests.started_here import started_here

pytestmark = started_here


def test_down_leaves_the_machine_as_it_was() -> None:
    before = Traces.now()
    with Cluster.up() as cluster:
        run_one_pod(cluster)
        processes = _processes(cluster)

    assert len(processes) > 8
    assert [process for process in processes if process.is_running()] == []
    assert Traces.now() == before


def test_after_kill_9_of_its_launcher_the_next_one_comes_up_on_a_clean_machine() -> None:
    before = Traces.now()
    processes = _processes(_orphaned_cluster())
    assert all(process.is_running() for process in processes)

    with Cluster.up() as cluster:
        assert [process for process in processes if process.is_running()] == []
        run_one_pod(cluster)

    assert Traces.now() == before


def test_when_one_of_its_programs_is_killed_down_still_leaves_nothing() -> None:
    before = Traces.now()
    with Cluster.up() as cluster:
        run_one_pod(cluster)
        processes = _processes(cluster)
        for process in processes:
            if process.name() in {"containerd", "localkube"}:
                process.kill()

    assert [process for process in processes if process.is_running()] == []
    assert Traces.now() == before


def run_one_pod(cluster: LocalCluster) -> None:
    """A running pod, so that there are containers, mounts and links to leave behind."""
    cluster.load_images("engine")
    cluster.kubectl("run", "one", "--image=localhost/cake-engine:dev", "--command", "--", "sleep", "infinity")
    cluster.kubectl("wait", "pod/one", "--for=condition=Ready", "--timeout=300s")


def _orphaned_cluster() -> LocalCluster:
    """A node with a running pod whose launcher was killed."""
    script = (
        "import sys\n"
        "from tests.localcluster import Cluster\n"
        "from tests.e2e.test_node_end import run_one_pod\n"
        "cluster = Cluster.up(); run_one_pod(cluster)\n"
        "print(cluster.kubeconfig, flush=True); sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True) as launcher:
        assert launcher.stdout is not None
        kubeconfig = launcher.stdout.readline().strip()
        launcher.kill()
    cluster = LocalCluster.known(Path(kubeconfig))
    assert cluster is not None
    return cluster


def _processes(cluster: LocalCluster) -> list[psutil.Process]:
    return processes_beside(Namespaces.of(cluster.run.folder).first_process)
