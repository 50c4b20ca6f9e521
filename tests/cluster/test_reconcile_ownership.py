"""What is not ours stays as it is, and what cannot be as asked is not asked for again and again."""

import pytest

from tests.cluster.cakes import MEMORY, NAME, Cake, Object, bind
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


def test_a_foreign_object_that_contradicts_nothing_of_ours_is_not_taken_over(
    cake: Cake, operator: OperatorProcess
) -> None:
    cake.kubectl("create", "configmap", f"{NAME}-engine", "--from-literal=theirs=yes")
    cake.apply()
    assert f"ConfigMap {NAME}-engine already exists" in cake.awaits("Progressing", "False", "NameTaken")
    operator.settle()
    theirs = cake.must("configmap", f"{NAME}-engine")
    assert theirs["data"] == {"theirs": "yes"}
    assert "ownerReferences" not in theirs["metadata"], "it would be deleted with the CakeDeployment"


def test_a_child_of_a_predecessor_is_left_to_the_garbage_collector(cake: Cake, operator: OperatorProcess) -> None:
    """Deleted and made anew at once: the old children have an owner that is gone."""
    cake.apply()
    before = {name: child["metadata"]["uid"] for name, child in cake.made().items()}
    operator.stop()
    try:
        cake.kubectl("delete", "cake", NAME)
        cake.apply()
    finally:
        operator.start()

    def renewed() -> bool:
        uid = cake.must("cake")["metadata"]["uid"]
        children = cake.children()
        assert all(child["metadata"]["uid"] != before[name] for name, child in children.items())
        return all(child["metadata"]["ownerReferences"][0]["uid"] == uid for child in children.values())

    eventually(renewed, "the new one has children of its own")
    eventually(lambda: cake.condition("Progressing")["reason"] == "Starting", "nothing is in the way")


def test_a_claim_that_somebody_made_larger_stays_so_whatever_else_changes(
    cake: Cake, operator: OperatorProcess
) -> None:
    growing = f"growing-{cake.namespace}"
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": growing}}
    cake.kubectl("create", "-f", "-", input={**kind, "provisioner": "example.com/none", "allowVolumeExpansion": True})
    tier = {"name": "shared", "capacity": "1Gi"}
    cake.apply(kvTiers=[MEMORY, {**tier, "persistentVolumeClaim": template(growing, "Delete")}])
    cake.begun()
    bind(cake, f"{NAME}-shared")
    cake.patch("pvc", f"{NAME}-shared", {"spec": {"resources": {"requests": {"storage": "4Gi"}}}})
    operator.settle()
    cake.apply(kvTiers=[MEMORY, {**tier, "persistentVolumeClaim": template(growing, "Keep")}])
    eventually(lambda: "ownerReferences" not in cake.must("pvc", f"{NAME}-shared")["metadata"], "it is to be kept")
    assert cake.must("pvc", f"{NAME}-shared")["spec"]["resources"]["requests"]["storage"] == "4Gi"
    assert cake.condition("Progressing")["reason"] != "ApplyRefused"
    operator.settle()
    writes = operator.writes()
    operator.settle()
    assert operator.writes() == writes


def template(storage_class: str, retain: str) -> Object:
    return {"template": {"storageClassName": storage_class}, "retain": retain}


def test_what_the_api_server_writes_otherwise_than_asked_is_asked_for_once(
    cake: Cake, operator: OperatorProcess
) -> None:
    """It leaves out a false that is the default, and admission webhooks rewrite images: neither is drift."""
    cake.apply(engine={"podTemplate": {"spec": {"hostNetwork": False}}})
    cake.begun()
    operator.settle()
    before = operator.figure("cake_operator_api_requests_total")
    writes = operator.writes()
    operator.settle()
    assert operator.writes() == writes
    assert operator.figure("cake_operator_api_requests_total") - before < 20, "watches may end, and nothing else"


def test_drift_beside_what_is_kept_otherwise_is_still_undone(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply(engine={"podTemplate": {"spec": {"hostNetwork": False}}})
    cake.begun()
    operator.settle()
    cake.patch("deployment", NAME, {"spec": {"progressDeadlineSeconds": 7}})
    eventually(lambda: cake.must("deployment")["spec"]["progressDeadlineSeconds"] != 7, "the deadline comes back")
