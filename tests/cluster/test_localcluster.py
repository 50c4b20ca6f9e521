"""The local control plane itself: what it gives, how it ends, and what it says when it cannot start."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.localcluster import Cluster, CommandError, LocalClusterError, binary, cache, clients, debian, ports
from tests.localcluster.local import LocalCluster
from tests.localcluster.processes import Processes, marked
from tests.started_here import started_here

pytestmark = started_here


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    started = time.monotonic()
    with Cluster.up(control_plane_only=True, audit=True) as cluster:
        assert isinstance(cluster, LocalCluster)
        print(f"up after {time.monotonic() - started:.1f} s")
        yield cluster


def test_its_server_is_the_kubernetes_that_was_built(cluster: LocalCluster) -> None:
    assert f"Server Version: v{binary.kubernetes_version()}" in cluster.kubectl("version")


def test_helm_speaks_to_it(cluster: LocalCluster) -> None:
    assert "NAMESPACE" in cluster.helm("list", "--all-namespaces")


def test_what_kubectl_refuses_is_raised_with_its_words(cluster: LocalCluster) -> None:
    with pytest.raises(CommandError, match=r"`kubectl get pod absent` ended with exit status 1: .*not found"):
        cluster.kubectl("get", "pod", "absent")


def test_a_restricted_namespace_refuses_a_pod_that_is_not(cluster: LocalCluster) -> None:
    cluster.kubectl("create", "namespace", "strict")
    cluster.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")

    with pytest.raises(CommandError, match="violates PodSecurity"):
        cluster.kubectl("run", "-n", "strict", "one", "--image=any")


def test_deletion_of_an_owner_takes_its_children_along(cluster: LocalCluster) -> None:
    cluster.kubectl("create", "deployment", "parent", "--image=any")
    cluster.kubectl("wait", "replicaset", "-l", "app=parent", "--for=create", "--timeout=180s")

    cluster.kubectl("delete", "deployment", "parent", "--cascade=foreground", "--timeout=180s")

    assert cluster.get("replicasets", "-l", "app=parent")["items"] == []


def test_each_request_is_in_the_audit_log_when_it_is_answered(cluster: LocalCluster) -> None:
    cluster.kubectl("create", "configmap", "witness")

    events = [event for event in cluster.audit_events() if event["verb"] == "create"]

    assert "witness" in [event["objectRef"].get("name") for event in events]


def test_what_needs_a_node_is_refused_with_what_to_do(cluster: LocalCluster) -> None:
    with pytest.raises(LocalClusterError, match="has no node: start it without control_plane_only"):
        cluster.load_images()


def test_two_at_once_know_nothing_of_each_other(cluster: LocalCluster) -> None:
    cluster.kubectl("create", "namespace", "mine")
    with Cluster.up(control_plane_only=True) as other:
        assert other.kubeconfig != cluster.kubeconfig
        with pytest.raises(CommandError, match="not found"):
            other.kubectl("get", "namespace", "mine")

    assert cluster.kubectl("get", "namespace", "mine", "-o", "name") == "namespace/mine\n"


def test_down_leaves_no_process_and_no_file() -> None:
    with Cluster.up(control_plane_only=True) as cluster:
        assert isinstance(cluster, LocalCluster)
        processes = marked(cluster.run.folder)
        assert {process.cmdline()[1] for process in processes} == {"etcd", "kube-apiserver", "kube-controller-manager"}

    assert [process for process in processes if process.is_running()] == []
    assert not cluster.run.folder.exists()


def test_after_kill_9_of_its_launcher_the_next_one_starts_clean() -> None:
    processes = _orphans()
    assert all(process.is_running() for process in processes)

    with Cluster.up(control_plane_only=True):
        assert [process for process in processes if process.is_running()] == []


def test_a_kept_cluster_outlives_its_launcher_and_can_be_used_and_ended_by_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubeconfig = _run("cluster.keep()")
    monkeypatch.setenv("CAKE_KUBECONFIG", kubeconfig)

    with Cluster.from_environment() as cluster:
        assert isinstance(cluster, LocalCluster)
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"

    assert _command("down", Path(kubeconfig).parent.name).endswith(": ended\n")
    assert not Path(kubeconfig).exists()


def test_down_leaves_a_cluster_that_a_living_process_uses(cluster: LocalCluster) -> None:
    said = _command("down", cluster.run.name)

    assert f"{cluster.run.name}: left, process {os.getpid()} uses it" in said
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, cluster: LocalCluster, tmp_path: Path) -> Path:
    """$CAKE_KUBECONFIG names the cluster, by a file that does not show that it was started here."""
    copied = tmp_path / "kubeconfig"
    copied.write_text(cluster.kubeconfig.read_text())
    monkeypatch.setenv("CAKE_KUBECONFIG", str(copied))
    return copied


def test_a_cluster_that_is_named_is_used_and_nothing_is_started(named: Path, cluster: LocalCluster) -> None:
    with Cluster.from_environment(control_plane_only=True) as elsewhere:
        assert not isinstance(elsewhere, LocalCluster)
        assert elsewhere.kubeconfig == named
        elsewhere.make_namespace("made-elsewhere")
        assert cluster.has("namespace", "made-elsewhere")

    assert not cluster.has("namespace", "made-elsewhere")
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"


def test_what_was_there_before_is_left_as_it_was(named: Path, cluster: LocalCluster) -> None:
    cluster.kubectl("create", "namespace", "there-before")

    with Cluster.from_environment(control_plane_only=True) as elsewhere:
        elsewhere.make_namespace("there-before")

    assert cluster.get("namespace", "there-before")["metadata"]["labels"].keys() == {"kubernetes.io/metadata.name"}


def test_what_is_kept_can_be_ended_by_the_commands_that_are_told(named: Path, cluster: LocalCluster) -> None:
    with Cluster.from_environment(control_plane_only=True) as elsewhere:
        elsewhere.make_namespace("kept")
        [command] = elsewhere.keep()

    assert cluster.has("namespace", "kept")
    assert command.startswith("kubectl delete ")
    cluster.kubectl(*shlex.split(command)[1:])
    assert not cluster.has("namespace", "kept")


def test_a_cluster_that_lacks_what_pods_need_is_refused_before_anything_is_made(named: Path) -> None:
    with pytest.raises(LocalClusterError, match="set CAKE_OPERATOR_IMAGE: the operator's image"):
        Cluster.from_environment()


def test_a_cluster_with_an_operator_of_its_users_is_refused(named: Path, cluster: LocalCluster) -> None:
    cluster.kubectl("create", "deployment", "theirs", "--image=any")
    cluster.kubectl("label", "deployment", "theirs", "app.kubernetes.io/name=cake-operator")

    with pytest.raises(LocalClusterError, match=r"has deployment\.apps/theirs already"):
        Cluster.from_environment(control_plane_only=True)

    cluster.kubectl("delete", "deployment", "theirs")


def test_a_kubeconfig_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAKE_KUBECONFIG", "/absent/kubeconfig")

    with pytest.raises(LocalClusterError, match="CAKE_KUBECONFIG names /absent/kubeconfig, which is not a file"):
        Cluster.from_environment()


def test_a_port_in_use_is_left_to_who_uses_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        used = listener.getsockname()[1]

        assert not ports.is_free(used)
    assert ports.is_free(used)


def test_what_went_wrong_first_is_raised_though_the_end_goes_wrong_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stuck(Cluster):
        def down(self) -> None:
            raise LocalClusterError("something cannot be removed")

    with pytest.raises(ValueError, match="the test's own"), Stuck(tmp_path):
        raise ValueError("the test's own")
    assert capsys.readouterr().err == "something cannot be removed\n"

    with pytest.raises(LocalClusterError, match="cannot be removed"), Stuck(tmp_path):
        pass


def test_when_all_ports_are_taken_it_says_what_to_do() -> None:
    with pytest.raises(LocalClusterError, match=r"are in use: end what listens there .* or run .* down"):
        ports.choose({ports.WELL_KNOWN, *ports.OTHERS})


def test_without_a_build_it_says_how_to_build(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not below pytest's own folder, whose name may be too long for a Unix socket in it.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("CAKE_CACHE", folder)
        for ask in (lambda: Cluster.up(control_plane_only=True), clients.kubectl, lambda: debian.program("ctr")):
            with pytest.raises(LocalClusterError, match=r"run `python -m tests.localcluster build`"):
                ask()
        assert list(Path(folder, "runs").iterdir()) == []


def test_without_go_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAKE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binary, "INSTALLED_GO", tmp_path / "absent")

    with pytest.raises(LocalClusterError, match=r"Go was not found: install Go 1\.25 or newer"):
        binary.build()


def test_without_root_a_node_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)

    with pytest.raises(LocalClusterError, match="Only root can start a node: use sudo, or --control-plane-only"):
        Cluster.up()


def test_a_cache_folder_too_deep_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAKE_CACHE", str(tmp_path / ("x" * 100)))

    with pytest.raises(LocalClusterError, match="too long to hold Unix sockets: set CAKE_CACHE to a shorter folder"):
        Cluster.up(control_plane_only=True)


def test_a_program_that_ends_early_is_named_with_its_last_words(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.start("brief", ["sh", "-c", "echo no room left; exit 3"])

    with pytest.raises(LocalClusterError, match=r"(?s)brief ended with exit status 3 .* no room left"):
        processes.wait_until("it is ready", lambda: False, seconds=10)


def test_what_many_ask_for_at_once_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAKE_CACHE", str(tmp_path))
    target = tmp_path / "made/thing"
    made: list[Path] = []

    def make(fresh: Path) -> None:
        made.append(fresh)
        assert not target.exists()
        fresh.write_text("whole")

    threads = [threading.Thread(target=cache.made_once, args=(target, make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert target.read_text() == "whole"


def test_what_could_not_be_made_leaves_nothing_and_is_made_the_next_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAKE_CACHE", str(tmp_path))
    target = tmp_path / "made/thing"

    def fail(fresh: Path) -> None:
        fresh.write_text("half")
        raise LocalClusterError("no room")

    with pytest.raises(LocalClusterError, match="no room"):
        cache.made_once(target, fail)
    assert list(target.parent.iterdir()) == []

    assert cache.made_once(target, lambda fresh: fresh.touch()).exists()


def _orphans() -> list[psutil.Process]:
    """The processes of a cluster whose launcher was killed."""
    kubeconfig = _run("os.kill(os.getpid(), signal.SIGKILL)")
    return marked(Path(kubeconfig).parent)


def _run(then: str) -> str:
    """Start a cluster in a process of its own that then does ``then``; returns the cluster's kubeconfig."""
    script = (
        "import os, signal\n"
        "from tests.localcluster import Cluster\n"
        "cluster = Cluster.up(control_plane_only=True)\n"
        f"print(cluster.kubeconfig, flush=True)\n{then}\n"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout.strip()


def _command(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.localcluster", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
