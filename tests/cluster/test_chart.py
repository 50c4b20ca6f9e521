"""The chart on a real API server, in a namespace that enforces the restricted Pod Security Standard."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.localcluster import Cluster, CommandError

CHART = Path(__file__).parents[2] / "charts/cake-operator"
NAMESPACE = "cake-system"
IMAGES = ["--set", "image.repository=localhost/cake-operator,image.tag=dev,engine.image=localhost/cake-engine:dev"]
CHAT: dict[str, Any] = {
    "apiVersion": "cake.dev/v1alpha1",
    "kind": "CakeDeployment",
    "metadata": {"name": "chat", "namespace": "default"},
    "spec": {"model": {"name": "m", "source": {"persistentVolumeClaim": {"claimName": "models"}}}},
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One of its own: a CRD belongs to one release or to none."""
    with Cluster.from_environment(control_plane_only=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def notes(cluster: Cluster) -> Iterator[str]:
    """The chart installed as README says, and what it printed."""
    restricted(cluster, NAMESPACE)
    yield install(cluster, "cake-operator", NAMESPACE)
    uninstall(cluster, "cake-operator", NAMESPACE)
    cluster.kubectl("delete", "crd", "cakedeployments.cake.dev", "--ignore-not-found")


def restricted(cluster: Cluster, name: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def apply(cluster: Cluster, document: dict[str, Any], *options: str) -> str:
    return cluster.kubectl("apply", *options, "-f", "-", input=json.dumps(document))


def install(cluster: Cluster, release: str, namespace: str, *options: str) -> str:
    return cluster.helm("install", release, CHART, "--namespace", namespace, *IMAGES, *options)


def uninstall(cluster: Cluster, release: str, namespace: str) -> str:
    return cluster.helm("uninstall", release, "--namespace", namespace, "--ignore-not-found", "--wait")


def may(cluster: Cluster, account: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether a service account (NAMESPACE:NAME) may; a resource is GROUP/NAME or GROUP/NAME/SUBRESOURCE."""
    group, name, subresource = [*resource.split("/"), ""][:3]
    asked = {"group": group, "resource": name, "subresource": subresource, "verb": verb, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": f"system:serviceaccount:{account}", "resourceAttributes": asked},
    }
    answer = json.loads(cluster.kubectl("create", "-o", "json", "-f", "-", input=json.dumps(review)))
    return bool(answer["status"].get("allowed"))


def operator_pod(cluster: Cluster) -> dict[str, Any]:
    """The pod as the ReplicaSet controller would make it."""
    deployment = cluster.get("deployment", "cake-operator", "--namespace", NAMESPACE)
    template = deployment["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": NAMESPACE, "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }


@pytest.mark.usefixtures("notes")
def test_the_operators_pod_is_accepted_under_the_restricted_standard(cluster: Cluster) -> None:
    apply(cluster, operator_pod(cluster), "--dry-run=server")


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(("field", "value"), [("runAsNonRoot", False), ("seccompProfile", {"type": "Unconfined"})])
def test_the_namespace_would_refuse_a_pod_that_asks_for_more(cluster: Cluster, field: str, value: Any) -> None:
    pod = copy.deepcopy(operator_pod(cluster))
    pod["spec"]["securityContext"][field] = value
    with pytest.raises(CommandError, match='violates PodSecurity "restricted'):
        apply(cluster, pod, "--dry-run=server")


CHILDREN = ["apps/deployments", "/services", "/configmaps", "/persistentvolumeclaims", "policy/poddisruptionbudgets"]


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("verb", "resource", "allowed"),
    [
        *(("get", child, True) for child in CHILDREN),
        *(("list", child, True) for child in CHILDREN),
        *(("watch", child, True) for child in CHILDREN),
        *(("create", child, True) for child in CHILDREN),
        *(("patch", child, True) for child in CHILDREN),
        *(("delete", child, True) for child in CHILDREN),
        ("watch", "cake.dev/cakedeployments", True),
        ("patch", "cake.dev/cakedeployments/status", True),
        ("update", "cake.dev/cakedeployments/finalizers", True),
        ("list", "/pods", True),
        # Neither its own resource's spec, nor what runs as pods, nor anything secret.
        ("patch", "cake.dev/cakedeployments", False),
        ("delete", "cake.dev/cakedeployments", False),
        ("create", "/pods", False),
        ("delete", "/pods", False),
        ("create", "/pods/exec", False),
        ("get", "/secrets", False),
        ("list", "/secrets", False),
        ("create", "/serviceaccounts/token", False),
        ("create", "rbac.authorization.k8s.io/roles", False),
        ("get", "/nodes", False),
        ("create", "/persistentvolumes", False),
        ("patch", "apiextensions.k8s.io/customresourcedefinitions", False),
        ("deletecollection", "/persistentvolumeclaims", False),
    ],
)
def test_the_operator_may_do_its_work_and_nothing_else(
    cluster: Cluster, verb: str, resource: str, allowed: bool
) -> None:
    assert may(cluster, f"{NAMESPACE}:cake-operator", verb, resource, "default") is allowed


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("role", "verb", "allowed"),
    [
        ("edit", "create", True),
        ("edit", "get", True),
        ("admin", "delete", True),
        ("view", "list", True),
        ("view", "create", False),
    ],
)
def test_holders_of_the_built_in_roles_may_use_cakedeployments(
    cluster: Cluster, role: str, verb: str, allowed: bool
) -> None:
    subjects = [{"kind": "ServiceAccount", "name": role, "namespace": "default"}]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    binding = {"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "roleRef": reference}
    apply(cluster, binding | {"metadata": {"name": role, "namespace": "default"}, "subjects": subjects})
    # The controller manager aggregates: the role has it a moment after the release has.
    added = "cakedeployments" if role == "view" else "cakedeployments/scale"
    path = f"--for=jsonpath={{.rules[*].resources[?(@=='{added}')]}}"
    cluster.kubectl("wait", path, f"clusterrole/{role}", "--timeout=30s")
    assert may(cluster, f"default:{role}", verb, "cake.dev/cakedeployments", "default") is allowed


def test_the_next_command_in_the_notes_is_one_that_the_cluster_accepts(cluster: Cluster, notes: str) -> None:
    manifest = notes.split("<<EOF\n")[1].split("EOF", maxsplit=1)[0]
    (document,) = yaml.safe_load_all(manifest)
    assert "created" in apply(cluster, document, "--dry-run=server", "--namespace", "default")


def test_without_prometheus_the_notes_say_what_that_means(notes: str) -> None:
    assert "prometheus.url is empty" in notes
    assert "MetricsAvailable" in notes


@pytest.mark.usefixtures("notes")
def test_an_upgrade_changes_what_was_asked_and_keeps_the_rest(cluster: Cluster) -> None:
    before = cluster.get("deployment", "cake-operator", "--namespace", NAMESPACE)
    url = "http://prometheus.monitoring:9090"
    said = cluster.helm(
        "upgrade", "cake-operator", CHART, "--namespace", NAMESPACE, "--reuse-values", "--set", f"prometheus.url={url}"
    )
    assert "prometheus.url is empty" not in said
    assert "docs/how-to/prometheus.md" in said, "no PodMonitor here: the notes say what to do instead"
    after = cluster.get("deployment", "cake-operator", "--namespace", NAMESPACE)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    (container,) = after["spec"]["template"]["spec"]["containers"]
    assert {"name": "CAKE_PROMETHEUS_URL", "value": url} in container["env"]
    assert container["image"] == "localhost/cake-operator:dev"


@pytest.mark.usefixtures("notes")
def test_cakedeployments_outlive_the_release_and_the_next_one_adopts_them(cluster: Cluster) -> None:
    apply(cluster, CHAT)
    uninstall(cluster, "cake-operator", NAMESPACE)
    kept = cluster.get("cakedeployment", "chat", "--namespace", "default")
    install(cluster, "cake-operator", NAMESPACE)
    cluster.kubectl("wait", "--for=condition=Established", "crd/cakedeployments.cake.dev", "--timeout=30s")
    adopted = cluster.get("cakedeployment", "chat", "--namespace", "default")
    assert adopted["metadata"]["uid"] == kept["metadata"]["uid"]
    cluster.kubectl("delete", "cakedeployment", "chat", "--namespace", "default", "--timeout=30s")


@pytest.mark.usefixtures("notes")
def test_in_namespaced_mode_the_operator_may_act_in_that_namespace_only(cluster: Cluster) -> None:
    for name in ("team-a", "team-a-system"):
        restricted(cluster, name)
    install(cluster, "cake-a", "team-a-system", "--set", "watchNamespace=team-a", "--set", "crds.enabled=false")
    try:
        account = "team-a-system:cake-a-cake-operator"
        assert may(cluster, account, "patch", "apps/deployments", "team-a")
        assert not may(cluster, account, "patch", "apps/deployments", "team-a-system")
        assert not may(cluster, account, "patch", "apps/deployments", "default")
        assert not may(cluster, account, "list", "cake.dev/cakedeployments", "")
        owned = "app.kubernetes.io/instance=cake-a"
        assert cluster.get("clusterroles,clusterrolebindings", "--selector", owned)["items"] == []
    finally:
        uninstall(cluster, "cake-a", "team-a-system")
        cluster.kubectl("delete", "namespace", "team-a", "team-a-system", "--wait=false")
