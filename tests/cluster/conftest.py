"""One API server for the session, and for each test a namespace of its own."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

CRDS = Path(__file__).parents[2] / "crds"
CRD = "cakedeployments.cake.dev"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="session")
def api_server() -> Iterator[Cluster]:
    """An API server with its controllers and our CRDs, and no node: pods are made, and never run."""
    with Cluster.from_environment(control_plane_only=True) as cluster:
        with_crds(cluster)
        yield cluster


def with_crds(cluster: Cluster) -> None:
    """Install our CRDs and wait until they are served; in the end they go, unless they were there."""
    if not cluster.has("crd", CRD):
        cluster.in_the_end("kubectl", "delete", "crd", CRD)
    cluster.kubectl("apply", "--server-side", "-f", CRDS)
    eventually(lambda: _established(cluster), "the CRD is established")


def _established(cluster: Cluster) -> bool:
    # `kubectl wait` fails on a CRD that is so new that it has no conditions yet.
    status = cluster.get("crd", CRD).get("status") or {}
    return any(one["type"] == "Established" and one["status"] == "True" for one in status.get("conditions") or ())


@pytest.fixture(scope="session")
def operator(api_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """The operator as a process of its own, watching all namespaces."""
    with OperatorProcess(api_server.kubeconfig, tmp_path_factory.mktemp("operator") / "log") as process:
        yield process


@pytest.fixture
def namespace(api_server: Cluster) -> Iterator[str]:
    """A fresh namespace."""
    with fresh_namespace(api_server) as name:
        yield name


@contextmanager
def fresh_namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that enforces the restricted Pod Security Standard, for the block."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
    cluster.kubectl("create", "-f", "-", input=json.dumps(made))
    yield name
    # The operator has no more to do with it when the namespace goes: later tests count its writes.
    cluster.kubectl("-n", name, "delete", "cakedeployments", "--all")
    cluster.kubectl("delete", "namespace", name, "--wait=false")
