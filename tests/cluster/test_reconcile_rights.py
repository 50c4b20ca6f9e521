"""The operator with the rights that the chart gives it, cluster-wide and in one namespace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.cluster.cakes import MEMORY, Cake, claimed
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

CHART = Path(__file__).parents[2] / "charts/cake-operator"
RELEASE = "rights"


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


@pytest.fixture
def elsewhere(api_server: Cluster) -> Iterator[Cake]:
    """A CakeDeployment in a namespace that nobody watches in namespaced mode."""
    name = f"{RELEASE}-elsewhere"
    api_server.kubectl("create", "namespace", name)
    yield Cake(api_server, name)
    api_server.kubectl("delete", "namespace", name, "--wait=false")


@contextmanager
def restricted_kubeconfig(cluster: Cluster, namespace: str, folder: Path, *values: str) -> Iterator[Path]:
    """A kubeconfig of the chart's service account, with its roles as the chart renders them, for the block."""
    options = ["--namespace", namespace, "--set", "image.repository=x,engine.image=x,crds.enabled=false", *values]
    objects = yaml.safe_load_all(cluster.helm("template", RELEASE, CHART, *options))
    kinds = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    wanted = [one for one in objects if one and one["kind"] in kinds]
    documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=documents)
    account = next(one["metadata"]["name"] for one in wanted if one["kind"] == "ServiceAccount")
    token = cluster.kubectl("-n", namespace, "create", "token", account).strip()
    config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify"))
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    try:
        yield path
    finally:
        cluster.kubectl("delete", "-n", namespace, "-f", "-", input=documents)


def lives_its_life(cake: Cake) -> None:
    """Everything that the operator writes: children, a claim, a prune, status."""
    cake.apply(kvTiers=[MEMORY, claimed("lost", "Delete")])
    cake.made()
    cake.apply(balance={"mode": "LoadOnly"})
    eventually(lambda: cake.get("pvc", "chat-lost") is None, "the claim is pruned")
    cake.made()
    assert cake.condition("Progressing")["reason"] != "ApplyRefused"


def test_the_charts_rights_are_enough(cake: Cake, operator: OperatorProcess, tmp_path: Path, namespace: str) -> None:
    operator.stop()
    try:
        with (
            restricted_kubeconfig(cake.cluster, namespace, tmp_path) as kubeconfig,
            OperatorProcess(kubeconfig, tmp_path / "log"),
        ):
            lives_its_life(cake)
        assert "Forbidden" not in (tmp_path / "log").read_text()
    finally:
        operator.start()


def test_in_one_namespace_the_rights_of_that_namespace_are_enough(
    cake: Cake, elsewhere: Cake, operator: OperatorProcess, tmp_path: Path, namespace: str
) -> None:
    values = ("--set", f"watchNamespace={namespace}")
    operator.stop()
    try:
        elsewhere.apply()
        with (
            restricted_kubeconfig(cake.cluster, namespace, tmp_path, *values) as kubeconfig,
            OperatorProcess(kubeconfig, tmp_path / "log", CAKE_NAMESPACE=namespace),
        ):
            lives_its_life(cake)
            assert elsewhere.get("deployment") is None
        assert "Forbidden" not in (tmp_path / "log").read_text()
    finally:
        operator.start()
