"""The operator with the rights that the chart gives it, cluster-wide and in one namespace: enough, and all used."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cakes import MEMORY, Cake, claimed
from tests.cluster.conftest import fresh_namespace, with_crds
from tests.cluster.engine_metrics import serve_requests, stand_idle
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.scraping import Scraping, scraping
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster
from tests.started_here import started_here

pytestmark = started_here

CHART = Path(__file__).parents[2] / "charts/cake-operator"
RELEASE = "rights"

# A machine that stands still for seconds does not end the operator, which nobody would start anew.
PATIENT = {"CAKE_LEASE_SECONDS": "600"}

Right = tuple[str, str, str]
"""API group, resource (with its subresource), verb."""

UNSEEN: set[Right] = {
    # Asked by the admission plugin OwnerReferencesPermissionEnforcement, not by a request of its own.
    ("cake.dev", "cakedeployments/finalizers", "update"),
}


@dataclass(frozen=True)
class Account:
    """The chart's service account, with its roles as the chart renders them.

    Attributes:
        user: Its name in the audit log.
        kubeconfig: Gives its access.
        lease: The lease that it may hold, as NAMESPACE/NAME.
        granted: What its roles allow.
    """

    user: str
    kubeconfig: Path
    lease: str
    granted: set[Right]


@pytest.fixture(scope="module")
def audited() -> Iterator[Cluster]:
    """An API server that records every request: one of its own, another's log cannot be read."""
    with Cluster.up(control_plane_only=True, audit=True) as cluster:
        with_crds(cluster)
        yield cluster


@pytest.fixture
def cake(audited: Cluster) -> Iterator[Cake]:
    with fresh_namespace(audited) as namespace:
        yield Cake(audited, namespace)


@pytest.fixture
def elsewhere(audited: Cluster) -> Iterator[Cake]:
    """A CakeDeployment in a namespace that nobody watches in namespaced mode."""
    with fresh_namespace(audited) as namespace:
        yield Cake(audited, namespace)


@contextmanager
def account(cluster: Cluster, namespace: str, folder: Path, *values: str) -> Iterator[Account]:
    """The account of a release in `namespace`, for the block."""
    options = ["--namespace", namespace, "--set", "image.repository=x,engine.image=x,crds.enabled=false", *values]
    objects = list(yaml.safe_load_all(cluster.helm("template", RELEASE, CHART, *options)))
    kinds = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    wanted = [one for one in objects if one and one["kind"] in kinds]
    documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=documents)
    name = next(one["metadata"]["name"] for one in wanted if one["kind"] == "ServiceAccount")
    config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify"))
    token = cluster.kubectl("-n", namespace, "create", "token", name).strip()
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    deployment = next(one for one in objects if one and one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    lease = next(variable["value"] for variable in container["env"] if variable["name"] == "CAKE_LEASE")
    bound = {one["roleRef"]["name"] for one in wanted if one["kind"].endswith("Binding")}
    roles = [one for one in wanted if one["kind"].endswith("Role") and one["metadata"]["name"] in bound]
    try:
        yield Account(f"system:serviceaccount:{namespace}:{name}", path, lease, granted(roles))
    finally:
        cluster.kubectl("delete", "-n", namespace, "-f", "-", input=documents)


def granted(roles: list[dict[str, Any]]) -> set[Right]:
    """What roles allow."""
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(cluster: Cluster, user: str) -> set[Right]:
    """What a user did, by the audit log; what it was refused is no use of a right, but a lack of one."""
    found = set()
    for event in cluster.audit_events():
        if event["user"]["username"] != user or "objectRef" not in event:
            continue
        asked, code = event["objectRef"], event["responseStatus"].get("code", 0)
        assert code != 403, f"refused: {event['verb']} {asked}"
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        found.add((asked.get("apiGroup", ""), resource, event["verb"]))
        if event["verb"] == "patch" and code == 201:  # an apply of what was not there asks for both rights
            found.add((asked.get("apiGroup", ""), resource, "create"))
    return found


def lives_its_life(cake: Cake, figures: Scraping, operator: OperatorProcess) -> None:
    """All that the operator writes: children, a claim, a policy, a Secret, prunes, a pod's cost, status, an Event."""
    spec = {"kvTiers": [MEMORY, claimed("lost", "Delete")], "networkPolicy": {"from": [{"podSelector": {}}]}}
    spec |= {"tenant": "search"}
    cake.apply(replicas=2, **spec)
    cake.made()
    cake.must("networkpolicy")
    names = [pod["metadata"]["name"] for pod in eventually(lambda: two(cake.pods()), "two pods are made")]
    with figures.of(cake, dict(zip(names, (serve_requests, stand_idle), strict=True))):
        eventually(lambda: both_report(cake, names), "both pods are scraped")
        operator.settle()
        cake.apply(replicas=1, **spec)
        (left,) = eventually(lambda: one(cake.pods()), "a pod goes")
        assert left["metadata"]["name"] == names[0], "the one with the least to finish"
    cake.apply(balance={"mode": "LoadOnly"})
    eventually(lambda: cake.get("pvc", "chat-lost") is None, "the claim is pruned")
    eventually(lambda: cake.get("networkpolicy") is None, "the policy is pruned")
    cake.made()
    assert cake.condition("Progressing")["reason"] != "ApplyRefused"


def both_report(cake: Cake, names: list[str]) -> bool:
    """Both say which generation they run with, and it is not the one that was written."""
    condition = cake.condition("BalanceApplied")
    others, found, _ = condition["message"].partition(" still with another one")
    assert found, condition
    assert all(name in others for name in names), condition
    return True


def one(pods: list[Any]) -> list[Any]:
    return pods if len(pods) == 1 else []


def two(pods: list[Any]) -> list[Any]:
    return pods if len(pods) == 2 else []


def test_the_charts_rights_are_enough_and_each_is_used(cake: Cake, tmp_path: Path) -> None:
    with account(cake.cluster, cake.namespace, tmp_path) as chart, scraping(tmp_path) as figures:
        with OperatorProcess(
            chart.kubeconfig, tmp_path / "log", CAKE_LEASE=chart.lease, **PATIENT, **figures.variables
        ) as operator:
            lives_its_life(cake, figures, operator)
        assert used(cake.cluster, chart.user) == chart.granted - UNSEEN


@contextmanager
def prometheus_rules(cluster: Cluster) -> Iterator[None]:
    """A cluster that has the Prometheus Operator's PrometheusRule, for the block; nobody acts on them."""
    name = "prometheusrules.monitoring.coreos.com"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"plural": "prometheusrules", "singular": "prometheusrule", "kind": "PrometheusRule"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    cluster.apply(definition)
    eventually(lambda: cluster.kubectl("get", "prometheusrules", "-A") is not None, "PrometheusRules are served")
    try:
        yield
    finally:
        cluster.kubectl("delete", "crd", name)


def test_where_prometheusrules_are_made_the_rights_for_them_are_enough_and_each_is_used(
    cake: Cake, tmp_path: Path
) -> None:
    seen_by_helm = ("--api-versions", "monitoring.coreos.com/v1/PrometheusRule")
    with (
        prometheus_rules(cake.cluster),
        account(cake.cluster, cake.namespace, tmp_path, *seen_by_helm) as chart,
        scraping(tmp_path) as figures,
    ):
        told = {"CAKE_LEASE": chart.lease, **PATIENT, "CAKE_RULES": "true", "CAKE_RULE_LABELS": "release=stack"}
        with OperatorProcess(chart.kubeconfig, tmp_path / "log", **told, **figures.variables) as operator:
            lives_its_life(cake, figures, operator)
            cake.apply(slo={"ttft": {"target": "1s"}})
            rule = eventually(lambda: cake.get("prometheusrule", "chat-slo"), "the objective has its rules")
            assert rule["metadata"]["labels"]["release"] == "stack"
            cake.apply(slo={"ttft": {"target": "2.5s"}})
            eventually(lambda: "> bool 2.5" in json.dumps(cake.get("prometheusrule", "chat-slo")), "the new target")
            cake.apply()
            eventually(lambda: cake.get("prometheusrule", "chat-slo") is None, "no objective, no rules")
        assert used(cake.cluster, chart.user) == chart.granted - UNSEEN


def test_in_one_namespace_the_rights_of_that_namespace_are_enough_and_each_is_used(
    cake: Cake, elsewhere: Cake, tmp_path: Path
) -> None:
    elsewhere.apply()
    confined = ["--set", f"watchNamespace={cake.namespace}"]
    with account(cake.cluster, cake.namespace, tmp_path, *confined) as chart, scraping(tmp_path) as figures:
        told = {"CAKE_NAMESPACE": cake.namespace, "CAKE_LEASE": chart.lease, **PATIENT, **figures.variables}
        with OperatorProcess(chart.kubeconfig, tmp_path / "log", **told) as operator:
            lives_its_life(cake, figures, operator)
            assert elsewhere.get("deployment") is None
        assert used(cake.cluster, chart.user) == chart.granted - UNSEEN
