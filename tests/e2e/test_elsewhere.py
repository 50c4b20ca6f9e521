"""A cluster elsewhere, as far as it is reached in another way than the local one: files go up, requests come in.

It is the local node, by a kubeconfig that does not show that.
"""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.localcluster import Cluster, images
from tests.localcluster.local import LocalCluster
from tests.localcluster.variables import Provisions
from tests.started_here import started_here

pytestmark = started_here

NAMESPACE, CLAIM = "elsewhere-test", "files"
PAUSE_SECONDS = 0.5
#: Says which pod it is, and after a pause what the claim's file says.
SERVER = f"""
import socket, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
class Stream(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(socket.gethostname().encode() + b"\\n")
        time.sleep({PAUSE_SECONDS})
        self.wfile.write(Path("/claim/model/weights").read_bytes())
ThreadingHTTPServer(("", 8000), Stream).serve_forever()
"""


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCluster]:
    with Cluster.up() as local:
        local.load_images("engine")
        yield local


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that nobody but their owner may read here."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "model").mkdir(mode=0o700)
    (folder / "model/weights").write_text("as uploaded")
    (folder / "model/weights").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def elsewhere(local: LocalCluster, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two pods that read the uploaded files, behind a Service."""
    kubeconfig = tmp_path_factory.mktemp("elsewhere") / "kubeconfig"
    kubeconfig.write_text(local.kubeconfig.read_text())
    storage_class = local.storage_class(NAMESPACE, CLAIM)
    with Cluster(kubeconfig, Provisions(images.NAMES, storage_class)) as elsewhere:
        elsewhere.make_namespace(NAMESPACE)
        elsewhere.filled_claim(NAMESPACE, CLAIM, folder)
        elsewhere.apply(_deployment(), _service())
        elsewhere.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/web", "--timeout=300s")
        yield elsewhere
    assert not local.has("namespace", NAMESPACE)


@pytest.fixture(scope="module")
def url(elsewhere: Cluster) -> str:
    return elsewhere.reach(NAMESPACE, "web")


def test_requests_spread_over_the_pods_behind_a_service(url: str) -> None:
    assert len({_read(url)[0] for _ in range(12)}) == 2


def test_files_can_be_read_by_the_pods_whatever_their_mode_is_here(url: str) -> None:
    assert _read(url)[1] == "as uploaded"


def test_a_stream_comes_as_it_is_written(url: str) -> None:
    connection = _connection(url)
    answer = connection.getresponse()
    answer.readline()
    begun = time.monotonic()
    answer.read()

    assert time.monotonic() - begun > PAUSE_SECONDS / 2
    connection.close()


def test_nothing_but_its_service_is_reached_by_the_port_on_loopback(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets")

    assert connection.getresponse().status == http.client.FORBIDDEN
    connection.close()


def test_what_is_on_a_claim_already_stays(elsewhere: Cluster, url: str, folder: Path) -> None:
    (folder / "model/weights").write_text("changed here since")
    (folder / "second").write_text("new")

    elsewhere.filled_claim(NAMESPACE, CLAIM, folder)

    assert _read(url)[1] == "as uploaded"
    assert elsewhere.kubectl("exec", "-n", NAMESPACE, "deployment/web", "--", "cat", "/claim/second") == "new"


def _connection(url: str) -> http.client.HTTPConnection:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.request("GET", f"{address.path}/", headers={"Connection": "close"})
    return connection


def _read(url: str) -> tuple[str, str]:
    """Which pod answered, and what it read."""
    connection = _connection(url)
    pod, _, text = connection.getresponse().read().decode().partition("\n")
    connection.close()
    return pod, text


def _service() -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    metadata = {"name": "web", "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {"app": "web"}, "ports": ports},
    }


def _deployment() -> dict[str, Any]:
    container = {
        "name": "web",
        "image": images.NAMES.engine,
        "command": ["python3", "-c", SERVER],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "claim", "mountPath": "/claim"}],
    }
    pod = {
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    metadata = {"name": "web", "namespace": NAMESPACE}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
