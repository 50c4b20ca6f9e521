"""The chart on a real API server, in a namespace that enforces the restricted Pod Security Standard."""

import copy
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cakes import Cake
from tests.cluster.conftest import fresh_namespace
from tests.cluster.next_version import FIELD, LABEL, next_version
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster, CommandError
from tests.unit.docs.shown import commands, words

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/cake-operator"
NAMESPACE = "cake-chart-test"
IMAGES = ["--set", "image.repository=localhost/cake-operator,image.tag=dev,engine.image=localhost/cake-engine:dev"]
CHAT: dict[str, Any] = {
    "apiVersion": "cake.dev/v1alpha1",
    "kind": "CakeDeployment",
    "metadata": {"name": "chat", "namespace": "default"},
    "spec": {"model": {"name": "m", "source": {"persistentVolumeClaim": {"claimName": "models"}}}},
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One of its own where it can be: here no other test has made the CRD before the chart does."""
    with Cluster.from_environment(control_plane_only=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def notes(cluster: Cluster) -> Iterator[str]:
    """The chart installed as README says, and what it printed."""
    restricted(cluster, NAMESPACE)
    yield install(cluster, "cake-operator", NAMESPACE)
    uninstall(cluster, "cake-operator", NAMESPACE)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def restricted(cluster: Cluster, name: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def apply(cluster: Cluster, document: dict[str, Any], *options: str) -> str:
    return cluster.kubectl("apply", *options, "-f", "-", input=json.dumps(document))


def install(cluster: Cluster, release: str, namespace: str, *options: str) -> str:
    # A cluster that CAKE_KUBECONFIG names may have the CRD already, from kubectl.
    adopt = ("--take-ownership", "--force-conflicts")
    return cluster.helm("install", release, CHART, "--namespace", namespace, *adopt, *IMAGES, *options)


def uninstall(cluster: Cluster, release: str, namespace: str) -> str:
    return cluster.helm("uninstall", release, "--namespace", namespace, "--ignore-not-found", "--wait")


def rights(cluster: Cluster, account: str, asked: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], bool]:
    """Which of (verb, resource, namespace) a service account may.

    Args:
        cluster: Who is asked, once for all.
        account: NAMESPACE:NAME.
        asked: A resource is GROUP/NAME or GROUP/NAME/SUBRESOURCE, the core group is empty; no namespace means all.
    """
    asked = list(asked)
    reviews = {"apiVersion": "v1", "kind": "List", "items": [review(account, *right) for right in asked]}
    answers = cluster.kubectl(
        "create", "-o", 'jsonpath={.status.allowed}{" "}', "-f", "-", input=json.dumps(reviews)
    ).split()
    return dict(zip(asked, (answer == "true" for answer in answers), strict=True))


def review(account: str, verb: str, resource: str, namespace: str) -> dict[str, Any]:
    group, name, subresource = [*resource.split("/"), ""][:3]
    asked = {"group": group, "resource": name, "subresource": subresource, "verb": verb, "namespace": namespace}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": f"system:serviceaccount:{account}", "resourceAttributes": asked},
    }


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


CHILDREN = [
    "apps/deployments",
    "/services",
    "/configmaps",
    "/persistentvolumeclaims",
    "policy/poddisruptionbudgets",
    "networking.k8s.io/networkpolicies",
]
NEEDED = [
    *((verb, child) for child in CHILDREN for verb in ("get", "list", "watch", "create", "patch")),
    ("delete", "/persistentvolumeclaims"),
    ("delete", "networking.k8s.io/networkpolicies"),
    ("get", "cake.dev/cakedeployments"),
    ("list", "cake.dev/cakedeployments"),
    ("watch", "cake.dev/cakedeployments"),
    ("patch", "cake.dev/cakedeployments/status"),
    ("update", "cake.dev/cakedeployments/finalizers"),
    ("list", "/pods"),
    ("watch", "/pods"),
    ("patch", "/pods"),
    ("create", "/events"),
    ("patch", "/events"),
    ("create", "/secrets"),
]
# Neither its own resource's spec, nor what runs as pods, nor anything secret.
FORBIDDEN = [
    ("patch", "cake.dev/cakedeployments"),
    ("delete", "cake.dev/cakedeployments"),
    ("delete", "apps/deployments"),
    ("delete", "/configmaps"),
    ("create", "/pods"),
    ("delete", "/pods"),
    ("create", "/pods/exec"),
    ("get", "/secrets"),
    ("list", "/secrets"),
    ("watch", "/secrets"),
    ("patch", "/secrets"),
    ("delete", "/secrets"),
    ("create", "/serviceaccounts/token"),
    ("create", "rbac.authorization.k8s.io/roles"),
    ("bind", "rbac.authorization.k8s.io/clusterroles"),
    ("get", "/nodes"),
    ("create", "/persistentvolumes"),
    ("patch", "apiextensions.k8s.io/customresourcedefinitions"),
    ("deletecollection", "/persistentvolumeclaims"),
]


@pytest.mark.usefixtures("notes")
def test_the_operator_may_do_its_work_and_nothing_else(cluster: Cluster) -> None:
    wanted = {(*right, "default"): True for right in NEEDED} | {(*right, "default"): False for right in FORBIDDEN}
    assert rights(cluster, f"{NAMESPACE}:cake-operator", wanted) == wanted


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("role", "added", "allowed", "denied"),
    [
        ("view", "cakedeployments", {"get", "list", "watch"}, {"create", "patch", "delete"}),
        ("edit", "cakedeployments/scale", {"get", "list", "create", "patch", "delete"}, set()),
        ("admin", "cakedeployments/scale", {"get", "list", "create", "patch", "delete"}, set()),
    ],
)
def test_holders_of_the_built_in_roles_may_use_cakedeployments(
    cluster: Cluster, role: str, added: str, allowed: set[str], denied: set[str]
) -> None:
    subjects = [{"kind": "ServiceAccount", "name": role, "namespace": "default"}]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    binding = {"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "roleRef": reference}
    apply(cluster, binding | {"metadata": {"name": role, "namespace": "default"}, "subjects": subjects})
    # The controller manager aggregates: the role has it a moment after the release has.
    path = f"--for=jsonpath={{.rules[*].resources[?(@=='{added}')]}}"
    cluster.kubectl("wait", path, f"clusterrole/{role}", "--timeout=180s")
    wanted = {(verb, "cake.dev/cakedeployments", "default"): verb in allowed for verb in allowed | denied}
    assert rights(cluster, f"default:{role}", wanted) == wanted


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
    told = ("--reset-then-reuse-values", "--set", f"prometheus.url={url}")
    said = cluster.helm("upgrade", "cake-operator", CHART, "--namespace", NAMESPACE, *told)
    assert "prometheus.url is empty" not in said
    assert "docs/how-to/prometheus.md" in said, "no PodMonitor here: the notes say what to do instead"
    after = cluster.get("deployment", "cake-operator", "--namespace", NAMESPACE)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    (container,) = after["spec"]["template"]["spec"]["containers"]
    assert {"name": "CAKE_PROMETHEUS_URL", "value": url} in container["env"]
    assert container["image"] == "localhost/cake-operator:dev"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The chart as it was before it had its newest values."""
    folder = tmp_path / "cake-operator"
    shutil.copytree(CHART, folder)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    newest = {"leaseSeconds", "imageRegistry", "priorityClassName", "topologySpreadConstraints", "extraVolumes"}
    (folder / "values.yaml").write_text(yaml.safe_dump({name: values[name] for name in values if name not in newest}))
    return folder


def written(cake: Cake) -> dict[str, Any]:
    """What changes when somebody writes a child's spec or data, or restarts a pod; not labels, and not status."""
    children = cake.children()
    identities = [one["metadata"]["uid"] for one in (*children.values(), *cake.pods())]
    contents = {name: (child.get("spec"), child.get("data")) for name, child in children.items()}
    return {**contents, "identities": sorted(identities)}


@pytest.mark.usefixtures("notes")
def test_upgrades_and_rollbacks_of_chart_and_operator_keep_cakedeployments_valid_and_restart_no_pod(
    cluster: Cluster, older: Path, tmp_path: Path
) -> None:
    release, keeping = ("cake-operator", "--namespace", NAMESPACE), ("--reset-then-reuse-values", "--force-conflicts")
    coming = next_version(tmp_path / "next")
    present = OperatorProcess(cluster.kubeconfig, tmp_path / "present.log")
    newer = OperatorProcess(cluster.kubeconfig, tmp_path / "newer.log", **coming.variables)
    cluster.helm("upgrade", release[0], older, *release[1:], *keeping)
    with fresh_namespace(cluster) as namespace:
        cake = Cake(cluster, namespace)
        with present:
            cake.apply()
            cake.begun()
            before, stored = written(cake), cake.must("cake")["spec"]
            cluster.helm("upgrade", release[0], CHART, *release[1:], *keeping, "--set", "logLevel=DEBUG")
            (container,) = cluster.get("deployment", *release)["spec"]["template"]["spec"]["containers"]
            assert {"name": "CAKE_LEASE_SECONDS", "value": "10"} in container["env"], "what is new has its default"
        cluster.helm("upgrade", release[0], coming.chart, *release[1:], *keeping)
        eventually(lambda: cake.must("cake")["spec"]["engine"].get(FIELD) is True, "the new field has its default")
        with newer:
            eventually(lambda: LABEL in cake.must("deployment")["metadata"]["labels"], "the newer one has acted")
            newer.settle()
            assert written(cake) == before
        cluster.helm("rollback", *release, "--force-conflicts")
        eventually(lambda: FIELD not in cake.must("cake")["spec"]["engine"], "the field is gone with its CRD")
        with present:
            eventually(lambda: LABEL not in cake.must("deployment")["metadata"]["labels"], "the older one has acted")
            present.settle()
            assert (written(cake), cake.must("cake")["spec"]) == (before, stored)
            cake.apply(replicas=2)
            assert cake.made()["deployment"]["spec"]["replicas"] == 2


@pytest.mark.usefixtures("notes")
def test_cakedeployments_outlive_the_release_and_the_next_one_adopts_them(cluster: Cluster) -> None:
    apply(cluster, CHAT)
    uninstall(cluster, "cake-operator", NAMESPACE)
    kept = cluster.get("cakedeployment", "chat", "--namespace", "default")
    install(cluster, "cake-operator", NAMESPACE)
    cluster.kubectl("wait", "--for=condition=Established", "crd/cakedeployments.cake.dev", "--timeout=180s")
    adopted = cluster.get("cakedeployment", "chat", "--namespace", "default")
    assert adopted["metadata"]["uid"] == kept["metadata"]["uid"]
    cluster.kubectl("delete", "cakedeployment", "chat", "--namespace", "default", "--timeout=180s")


@pytest.mark.usefixtures("notes")
def test_in_namespaced_mode_the_operator_may_act_in_that_namespace_only(cluster: Cluster) -> None:
    for name in ("team-a", "team-a-system"):
        restricted(cluster, name)
    install(cluster, "cake-a", "team-a-system", "--set", "watchNamespace=team-a", "--set", "crds.enabled=false")
    try:
        wanted = {
            ("patch", "apps/deployments", "team-a"): True,
            ("patch", "apps/deployments", "team-a-system"): False,
            ("patch", "apps/deployments", "default"): False,
            ("list", "cake.dev/cakedeployments", ""): False,
        }
        assert rights(cluster, "team-a-system:cake-a-cake-operator", wanted) == wanted
        owned = "app.kubernetes.io/instance=cake-a"
        assert cluster.get("clusterroles,clusterrolebindings", "--selector", owned)["items"] == []
    finally:
        uninstall(cluster, "cake-a", "team-a-system")
        cluster.kubectl("delete", "namespace", "team-a", "team-a-system", "--wait=false")


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md"])
def test_the_install_command_of_a_page_installs_what_it_says(cluster: Cluster, page: str) -> None:
    (command,) = (one for one in commands(ROOT / page) if one.startswith("helm install"))
    here = {"cake-system": NAMESPACE, "charts/cake-operator": CHART}
    uninstall(cluster, "cake-operator", NAMESPACE)
    said = cluster.helm(*(here.get(word, word) for word in words(command)[1:]))
    assert "helm test cake-operator" in said
    deployment = cluster.get("deployment", "cake-operator", "--namespace", NAMESPACE)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    told = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert container["image"] == "registry.example.com/cake-operator:0.1.0"
    assert told["CAKE_ENGINE_IMAGE"] == "registry.example.com/cake-engine:0.1.0"
    assert told["CAKE_PROMETHEUS_URL"] == "http://prometheus-operated.monitoring:9090"
