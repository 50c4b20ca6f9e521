"""The chart under every set of values in its folder ci/, judged by a real API server.

Each set is laid over ci/defaults-values.yaml. The server validates as strictly as it can (`fieldValidation: Strict`:
what it does not know or finds twice is refused), with every rule, admission plugin and Pod Security warning of its own:
more than a comparison with published JSON schemas, which know none of these. Those are asked, strictly, for what it
cannot tell: whether the oldest Kubernetes that the chart allows, and the newest, know every field. Kinds that it does
not have, those of the Prometheus Operator, are left to test_foreign_kinds.
"""

import json
import tarfile
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cakes import Object
from tests.cluster.test_chart_rendering import CHART, helm, parsed
from tests.localcluster import Cluster
from tests.unit.api.specs import merged
from tests.unit.render.schemas import known

RELEASE, NAMESPACE = "cake-operator", "cake-sets"
RESTRICTED = CHART / "values-restricted.yaml"
SETS = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}
SETS |= {"restricted": RESTRICTED}
FOREIGN = ("monitoring.coreos.com/",)
# Of the whole cluster, whatever the release's namespace is.
UNSCOPED = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}


@cache
def rendered(name: str, namespace: str = NAMESPACE) -> str:
    """What `helm template` writes, hooks included."""
    values = ["--values", SETS["defaults"], "--values", SETS[name]]
    done = helm("template", RELEASE, CHART, "--namespace", namespace, *values)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def documents(name: str, namespace: str = NAMESPACE) -> list[Object]:
    """The objects of it; to be left as they are."""
    return parsed(rendered(name, namespace))


def pods(name: str) -> dict[str, Object]:
    """The specs of the operator's pod and of the test's, each with its labels."""
    objects = {one["kind"]: one for one in documents(name) if one["kind"] in ("Deployment", "Pod")}
    return {"operator": objects["Deployment"]["spec"]["template"], "test": objects["Pod"]}


def selectors(name: str) -> list[dict[str, str]]:
    """By which labels the objects of a set find the operator's pods."""
    found = {one["kind"]: one["spec"]["selector"] for one in documents(name) if "selector" in one.get("spec", {})}
    policies = [one["spec"]["podSelector"] for one in documents(name) if one["kind"] == "NetworkPolicy"]
    own = [selector for kind, selector in found.items() if kind in ("Deployment", "PodDisruptionBudget")]
    return [selector["matchLabels"] for selector in [*own, *policies]]


@pytest.fixture(scope="module")
def namespace(api_server: Cluster) -> Iterator[str]:
    """One that warns of every pod that is not `restricted`."""
    name = f"{NAMESPACE}-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    api_server.kubectl("create", "-f", "-", input=json.dumps(body))
    yield name
    api_server.kubectl("delete", "namespace", name, "--wait=false")


def test_there_are_ten_sets_and_the_one_for_restricted_clusters() -> None:
    assert len(SETS) >= 11


@pytest.mark.parametrize("name", SETS)
def test_a_strict_server_takes_everything_that_is_rendered_and_warns_of_nothing(
    api_server: Cluster, namespace: str, name: str
) -> None:
    # The account comes with the release; a pod alone is refused before it is there.
    account = {"spec": {"serviceAccountName": "default"}}
    known = [
        merged(one, account) if one["kind"] == "Pod" else one
        for one in documents(name, namespace)
        if not one["apiVersion"].startswith(FOREIGN)
    ]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": known})
    strictly = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--warnings-as-errors")
    answered = api_server.kubectl("apply", *strictly, "-f", "-", input=body)
    assert len(answered.splitlines()) == len(known)


def test_the_oldest_kubernetes_that_the_chart_allows_knows_every_field_of_every_set() -> None:
    # Sets have most objects in common.
    different = {
        json.dumps(one) for name in SETS for one in documents(name) if not one["apiVersion"].startswith(FOREIGN)
    }
    assert all(known(json.loads(text)) for text in different)


@pytest.mark.parametrize("name", SETS)
def test_a_second_rendering_differs_by_the_namespace_and_nothing_random(namespace: str, name: str) -> None:
    assert rendered(name, namespace).replace(namespace, NAMESPACE) == rendered(name)


@pytest.mark.parametrize("name", SETS)
def test_every_object_fits_into_the_annotation_in_which_appliers_keep_it(name: str) -> None:
    """`kubectl apply` and Argo CD put the whole object into one; those of an object may have 256 KiB."""
    assert max(len(json.dumps(document)) for document in documents(name)) < 200 * 1024


@pytest.mark.parametrize("name", SETS)
def test_what_selects_the_operators_pods_finds_them_and_not_the_tests_pod(name: str) -> None:
    labels = {pod: template["metadata"]["labels"] for pod, template in pods(name).items()}
    assert selectors(name)
    for selector in selectors(name):
        assert selector.items() <= labels["operator"].items()
        assert not selector.items() <= labels["test"].items()


@pytest.mark.parametrize("name", SETS)
def test_every_object_of_a_namespace_names_it(name: str) -> None:
    values: dict[str, Any] = yaml.safe_load(SETS[name].read_text())
    allowed = {NAMESPACE, values.get("watchNamespace") or NAMESPACE}
    for document in documents(name):
        scope = {document["metadata"].get("namespace")}
        assert scope == {None} if document["kind"] in UNSCOPED else scope <= allowed


def test_without_a_right_in_the_cluster_nothing_of_the_cluster_is_rendered() -> None:
    assert not UNSCOPED & {document["kind"] for document in documents("one-namespace")}


def test_every_image_comes_from_the_registry_of_an_air_gapped_cluster() -> None:
    for template in pods("air-gapped").values():
        (container,) = template["spec"]["containers"]
        variables = {one["name"]: one.get("value") for one in container["env"]}
        assert container["image"] == f"registry.internal:5000/cake/cake-operator@sha256:{'a' * 64}"
        assert variables["CAKE_ENGINE_IMAGE"] == "registry.internal:5000/cake/cake-engine:0.1.0"
        assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_three_zones_replace_the_spread_over_nodes_and_a_priority_is_given() -> None:
    spec = pods("three-zones")["operator"]["spec"]
    assert [one["topologyKey"] for one in spec["topologySpreadConstraints"]] == ["topology.kubernetes.io/zone"]
    assert spec["priorityClassName"] == "system-cluster-critical"
    assert [one["topologyKey"] for one in pods("defaults")["operator"]["spec"]["topologySpreadConstraints"]] == [
        "kubernetes.io/hostname"
    ]


def test_a_volume_is_mounted_beside_tmp() -> None:
    for template in pods("proxied").values():
        (container,) = template["spec"]["containers"]
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp", "/etc/house"]
        assert [volume["name"] for volume in template["spec"]["volumes"]] == ["tmp", "house"]
        assert "SSL_CERT_FILE" in [one["name"] for one in container["env"]]


def test_where_the_cluster_chooses_user_ids_none_is_asked_for() -> None:
    for template in pods("restricted").values():
        assert template["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_helm_test_asks_with_the_operators_image_account_and_environment() -> None:
    operator, test = (template["spec"] for template in pods("defaults").values())
    (asks,), (acts,) = test["containers"], operator["containers"]
    assert asks["command"] == ["python3", "-m", "cake_operator.installed"]
    assert [asks[part] for part in ("image", "env", "securityContext")] == [
        acts[part] for part in ("image", "env", "securityContext")
    ]
    assert test["serviceAccountName"] == operator["serviceAccountName"]
    assert pods("defaults")["test"]["metadata"]["annotations"]["helm.sh/hook"] == "test"


def test_the_sets_are_no_part_of_the_package(tmp_path: Path) -> None:
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as package:
        assert not [name for name in package.getnames() if "/ci/" in name]


def test_a_tool_that_deletes_what_leaves_git_can_be_told_to_keep_the_crd() -> None:
    (crd,) = (one for one in documents("rendered-elsewhere") if one["kind"] == "CustomResourceDefinition")
    assert crd["metadata"]["annotations"] == {
        "argocd.argoproj.io/sync-options": "Prune=false,ServerSideApply=true",
        "helm.sh/resource-policy": "keep",
    }
