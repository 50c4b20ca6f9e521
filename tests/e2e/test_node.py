"""The local node itself: what the other tests and the demo take for granted of it."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.waiting import eventually
from tests.e2e.machine import Traces
from tests.localcluster import Cluster, CommandError
from tests.localcluster.local import LocalCluster
from tests.started_here import started_here

pytestmark = started_here

NAMESPACE = "node-test"
LABELS = {"app": "web"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with Cluster.up() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def web(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Two pods of a restricted namespace that serve a claim that both may write, behind a NodePort Service."""
    cluster.load_images("engine")
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    shared = tmp_path_factory.mktemp("shared") / "volume"
    cluster.mount_volume("shared", NAMESPACE, shared)
    fixed = tmp_path_factory.mktemp("fixed")
    fixed.chmod(0o755)
    (fixed / "weights").write_text("fixed")
    (fixed / "weights").chmod(0o666)
    cluster.mount_volume("fixed", NAMESPACE, fixed, read_only=True)
    objects = [_configuration("1"), _deployment(), _service()]
    for thing in objects:
        cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(thing))
    cluster.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/web", "--timeout=300s")
    return cluster


def test_pods_reach_a_service_by_its_name(web: Cluster) -> None:
    script = "import urllib.request as u; print(u.urlopen('http://web/fixed/weights', timeout=60).read().decode())"

    assert _exec(web, "python3", "-c", script) == "fixed\n"


def test_a_name_that_does_not_exist_is_refused(web: Cluster) -> None:
    """A resolver that nobody answers speaks of a temporary failure, after asking again and again."""
    with pytest.raises(CommandError, match="Name or service not known"):
        _exec(web, "python3", "-c", "import socket; socket.getaddrinfo('huggingface.invalid', 443)")


def test_what_one_pod_writes_into_a_claim_the_other_reads(web: Cluster) -> None:
    first, second = _pods(web)
    _exec(web, "sh", "-c", "echo from one > /srv/shared/note", pod=first)

    assert _exec(web, "cat", "/srv/shared/note", pod=second) == "from one\n"


def test_a_read_only_claim_cannot_be_written_though_the_pod_did_not_ask_for_that(web: Cluster) -> None:
    with pytest.raises(CommandError, match="Read-only file system"):
        _exec(web, "sh", "-c", "echo other > /srv/fixed/weights")


def test_a_node_port_answers_on_loopback(web: Cluster) -> None:
    port = web.get("service", "web", "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/fixed/weights", timeout=30) as answer:
                return answer.read() == b"fixed"
        except OSError:
            return False

    eventually(answers, f"port {port} of loopback answers")


def test_a_node_port_closes_with_its_service(web: Cluster) -> None:
    second = _service() | {"metadata": {"name": "short-lived"}}
    web.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(second))
    port = web.get("service", "short-lived", "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]
    eventually(lambda: _listens(port), f"port {port} of loopback listens")

    web.kubectl("delete", "service", "short-lived", "-n", NAMESPACE)

    eventually(lambda: not _listens(port), f"port {port} of loopback is closed")


def test_a_changed_config_map_reaches_running_pods(web: Cluster) -> None:
    web.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(_configuration("2")))

    eventually(lambda: _exec(web, "cat", "/srv/live/value") == "2", "the pod has the new value")


def test_logs_of_a_pod_can_be_read(web: Cluster) -> None:
    assert "Serving HTTP" in web.kubectl("logs", "-n", NAMESPACE, _pods(web)[0])


def test_nothing_of_the_node_is_seen_on_the_machine(web: Cluster) -> None:
    traces = Traces.now()

    assert "cake0" not in traces.links
    assert "KUBE-" not in traces.chains
    assert not [mount for mount in traces.mounts if "kubelet" in mount or "containerd" in mount]


def _pods(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.get("pods", "-n", NAMESPACE, "-l", "app=web")["items"]]


def _exec(cluster: Cluster, *command: str, pod: str = "deployment/web") -> str:
    return cluster.kubectl("exec", "-n", NAMESPACE, pod, "--", *command)


def _listens(port: int) -> bool:
    listening = Path("/proc/net/tcp").read_text()
    return f"0100007F:{port:04X} 00000000:0000 0A" in listening


def _configuration(value: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "live"}, "data": {"value": value}}


def _service() -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 8080}]
    spec = {"type": "NodePort", "selector": LABELS, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def _deployment() -> dict[str, Any]:
    volumes: dict[str, Any] = {
        "shared": {"persistentVolumeClaim": {"claimName": "shared"}},
        "fixed": {"persistentVolumeClaim": {"claimName": "fixed"}},
        "live": {"configMap": {"name": "live"}},
    }
    container = {
        "name": "web",
        "image": "localhost/cake-engine:dev",
        "command": ["python3", "-m", "http.server", "8080", "--directory", "/srv"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "readinessProbe": {"httpGet": {"path": "/live/value", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": f"/srv/{name}"} for name in volumes],
    }
    pod = {
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": name, **source} for name, source in volumes.items()],
    }
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
