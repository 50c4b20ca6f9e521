"""From a CakeDeployment to its children on a real API server, and back after whatever happens to them."""

import json
from typing import Any

import pytest

from tests.cluster.cakes import CHILDREN, MEMORY, NAME, Cake, Object, claimed, versions
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


def spec_without(deployment: Object, field: str) -> Object:
    return {key: value for key, value in deployment["spec"].items() if key != field}


def changed(before: dict[str, Object], after: dict[str, Object]) -> set[str]:
    """The children whose spec or data somebody wrote; status moves by itself."""
    return {name for name in CHILDREN if _content(before[name]) != _content(after[name])}


def _content(obj: Object) -> str:
    return json.dumps([obj.get("spec"), obj.get("data"), obj["metadata"].get("annotations")], sort_keys=True)


def test_a_cakedeployment_gets_its_children_each_owned_and_labelled(cake: Cake) -> None:
    cake.apply()
    children = cake.made()
    uid = cake.must("cake")["metadata"]["uid"]
    for child in children.values():
        owner = child["metadata"]["ownerReferences"][0]
        assert (owner["uid"], owner["controller"], owner["kind"]) == (uid, True, "CakeDeployment")
        assert child["metadata"]["labels"]["cake.dev/deployment"] == NAME


def test_its_pods_are_admitted_under_the_restricted_standard(cake: Cake) -> None:
    cake.apply(kvTiers=[MEMORY, {"name": "scratch", "emptyDir": {}, "capacity": "1Gi"}, claimed("shared", "Delete")])
    pods = eventually(cake.pods, "the ReplicaSet may make a pod")
    assert pods[0]["metadata"]["labels"]["cake.dev/deployment"] == NAME


def test_a_changed_argument_writes_the_deployment_and_nothing_else(cake: Cake) -> None:
    cake.apply()
    before = cake.made()
    cake.apply(engine={"args": ["--max-model-len=4096"]})
    eventually(lambda: "--max-model-len=4096" in str(cake.must("deployment")), "the argument arrives")
    cake.made()
    assert changed(before, cake.children()) == {"deployment"}


def test_a_tuning_change_writes_the_live_configuration_and_restarts_nothing(cake: Cake) -> None:
    cake.apply()
    before = cake.made()
    cake.apply(balance={"mode": "ComputeOnly"})
    eventually(lambda: live(cake)["mode"] == "ComputeOnly", "the mode arrives")
    cake.made()
    assert changed(before, cake.children()) == {"configmap/tuning"}
    assert live(cake)["generation"] == 2
    assert cake.status()["balance"]["generation"] == 2


def test_a_static_change_rolls_the_pods(cake: Cake) -> None:
    cake.apply()
    before = cake.made()["deployment"]["spec"]["template"]
    cake.apply(kvTiers=[{**MEMORY, "capacity": "2Gi"}])
    eventually(lambda: cake.must("deployment")["spec"]["template"] != before, "the template changes")
    template = cake.must("deployment")["spec"]["template"]
    key = "cake.dev/static-hash"
    assert template["metadata"]["annotations"][key] != before["metadata"]["annotations"][key]


EDITS: dict[str, tuple[str, str, Any]] = {
    "replicas": ("deployment", NAME, {"spec": {"replicas": 7}}),
    "image": ("deployment", NAME, [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x"}]),
    "port": ("service", NAME, [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 1}]),
    "static configuration": ("configmap", f"{NAME}-engine", {"data": {"engine.json": "{}"}}),
    "budget": ("poddisruptionbudget", NAME, {"spec": {"maxUnavailable": 5}}),
    "labels": ("service", NAME, {"metadata": {"labels": {"cake.dev/deployment": None}}}),
    "owner": ("service", NAME, {"metadata": {"ownerReferences": None}}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_child_edited_by_hand_comes_back(cake: Cake, edit: str) -> None:
    kind, name, patch = EDITS[edit]
    cake.apply(replicas=1)
    cake.made()
    before = cake.must(kind, name)
    cake.patch(kind, name, patch)

    def restored() -> bool:
        now = cake.must(kind, name)
        assert now["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
        for part in ("spec", "data"):
            assert now.get(part) == before.get(part)
        for part in ("labels", "ownerReferences"):
            assert now["metadata"].get(part) == before["metadata"].get(part)
        return True

    eventually(restored, f"the {edit} comes back")


NONSENSE: dict[str, Object] = {
    "not json": {"data": {"tuning.json": "not json"}},
    "bytes in place of text": {"data": None, "binaryData": {"tuning.json": "AAECAw=="}},
}


@pytest.mark.parametrize("which", NONSENSE)
def test_a_live_configuration_edited_to_nonsense_comes_back_with_a_new_generation(cake: Cake, which: str) -> None:
    cake.apply()
    cake.made()
    cake.patch("configmap", f"{NAME}-tuning", NONSENSE[which])
    text = eventually(lambda: _json(cake), "the live configuration can be read again")
    assert text["generation"] == 2


def test_a_live_configuration_that_cannot_be_written_is_told_of_and_no_generation_is_used_up(
    cake: Cake, operator: OperatorProcess
) -> None:
    cake.apply()
    cake.made()
    cake.patch("configmap", f"{NAME}-tuning", {"data": {"tuning.json": "not json"}, "immutable": True})
    assert f"ConfigMap {NAME}-tuning" in cake.awaits("Progressing", "False", "ApplyRefused")
    operator.settle()
    before = cake.must("cake")
    operator.settle()
    assert cake.must("cake") == before
    assert before["status"]["balance"]["generation"] == 1


@pytest.mark.parametrize("child", CHILDREN)
def test_a_deleted_child_comes_back(cake: Cake, child: str) -> None:
    cake.apply()
    before = cake.made()[child]
    cake.kubectl("delete", child.split("/", maxsplit=1)[0], CHILDREN[child], "--wait=false")

    def back() -> bool:
        now = cake.must(child.split("/", maxsplit=1)[0], CHILDREN[child])
        return bool(now["metadata"]["uid"] != before["metadata"]["uid"])

    eventually(back, f"{child} is made anew")


def test_what_others_added_to_a_child_is_left_alone(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply()
    cake.made()
    sidecar = {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "proxy", "image": "p"}}
    cake.patch("deployment", NAME, [sidecar])
    cake.kubectl("annotate", "deployment,service,configmap", "-l", f"cake.dev/deployment={NAME}", "team=search")
    operator.settle()
    cake.apply(engine={"args": ["--seed=1"]})
    eventually(lambda: "--seed=1" in str(cake.must("deployment")), "a later change arrives")
    after = cake.made()
    assert {child["metadata"]["annotations"].get("team") for n, child in after.items() if "budget" not in n} == {
        "search"
    }
    containers = [one["name"] for one in after["deployment"]["spec"]["template"]["spec"]["containers"]]
    assert sorted(containers) == ["engine", "proxy"]


def test_a_field_dropped_from_the_spec_is_dropped_from_the_child(cake: Cake) -> None:
    cake.apply(engine={"podTemplate": {"spec": {"nodeSelector": {"gpu": "yes"}}}})
    assert cake.made()["deployment"]["spec"]["template"]["spec"]["nodeSelector"] == {"gpu": "yes"}
    cake.apply()
    eventually(lambda: "nodeSelector" not in cake.must("deployment")["spec"]["template"]["spec"], "it is gone")


def test_claims_of_a_removed_tier_go_unless_they_are_to_be_kept(cake: Cake) -> None:
    cake.apply(kvTiers=[MEMORY, claimed("lost", "Delete"), claimed("kept", "Keep")])
    cake.made()
    assert cake.must("pvc", f"{NAME}-lost")["metadata"]["ownerReferences"]
    assert "ownerReferences" not in cake.must("pvc", f"{NAME}-kept")["metadata"]
    cake.apply()
    eventually(lambda: cake.get("pvc", f"{NAME}-lost") is None, "the claim that may go is gone")
    cake.made()
    assert cake.get("pvc", f"{NAME}-kept") is not None


def test_deletion_leaves_nothing_but_kept_claims(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply(kvTiers=[MEMORY, claimed("lost", "Delete"), claimed("kept", "Keep")])
    cake.made()
    cake.kubectl("delete", "cake", NAME)

    def left() -> set[str]:
        kinds = "deployment,replicaset,pod,service,configmap,pdb,pvc"
        return set(cake.kubectl("get", kinds, "-l", "app.kubernetes.io/managed-by=cake-operator", "-o", "name").split())

    kept = {f"persistentvolumeclaim/{NAME}-kept"}
    eventually(lambda: left() == kept, "only the kept claim is left")
    operator.settle()
    assert left() == kept


def test_a_kept_claim_is_taken_up_again_by_the_next_of_its_name(cake: Cake) -> None:
    cake.apply(kvTiers=[MEMORY, claimed("kept", "Keep")])
    cake.made()
    before = cake.must("pvc", f"{NAME}-kept")["metadata"]["uid"]
    cake.kubectl("delete", "cake", NAME)
    eventually(lambda: cake.get("deployment") is None, "the children are gone")
    cake.apply(kvTiers=[MEMORY, claimed("kept", "Keep")])
    cake.made()
    assert cake.must("pvc", f"{NAME}-kept")["metadata"]["uid"] == before
    assert "NameTaken" not in cake.condition("Progressing")["reason"]


def test_an_object_of_somebody_else_is_not_taken_over(cake: Cake, operator: OperatorProcess) -> None:
    cake.kubectl("create", "configmap", f"{NAME}-engine", "--from-literal=engine.json=theirs")
    cake.apply()
    message = cake.awaits("Progressing", "False", "NameTaken")
    assert f"ConfigMap {NAME}-engine already exists" in message
    operator.settle()
    assert cake.must("configmap", f"{NAME}-engine")["data"] == {"engine.json": "theirs"}
    cake.kubectl("delete", "configmap", f"{NAME}-engine")
    eventually(lambda: cake.condition("Progressing")["reason"] != "NameTaken", "the name is free")
    cake.made()


def test_at_rest_nothing_is_written(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply(kvTiers=[MEMORY, claimed("shared", "Delete")], engine={"resources": {"requests": {"cpu": "1500m"}}})
    cake.begun()
    operator.settle()
    before, writes = versions(everything(cake)), operator.writes()
    operator.settle()
    assert versions(everything(cake)) == before
    assert operator.writes() == writes


def test_a_restart_writes_nothing(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply(kvTiers=[MEMORY, claimed("shared", "Delete")], balance={"mode": "LoadOnly"})
    cake.begun()
    operator.settle()
    before = versions(everything(cake))
    assert operator.stop() == 0
    operator.start()
    operator.settle()
    assert versions(everything(cake)) == before
    assert operator.writes() == 0


def test_what_happened_while_the_operator_was_away_is_made_up_for(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply()
    cake.made()
    operator.stop()
    try:
        cake.kubectl("delete", "service", NAME)
        cake.apply(engine={"args": ["--seed=2"]})
    finally:
        operator.start()
    eventually(lambda: cake.get("service"), "the Service is back")
    eventually(lambda: "--seed=2" in str(cake.must("deployment")), "the argument arrives")


def test_kubectl_scale_sets_the_number_of_pods_exactly(cake: Cake) -> None:
    cake.apply()
    cake.made()
    cake.kubectl("scale", "cake", NAME, "--replicas=3")
    eventually(lambda: cake.must("deployment")["spec"]["replicas"] == 3, "three replicas")
    scale = json.loads(cake.kubectl("get", "cake", NAME, "--subresource=scale", "-o", "json"))
    assert scale["spec"]["replicas"] == 3
    assert "cake.dev/deployment=chat" in scale["status"]["selector"]
    eventually(lambda: cake.status()["replicas"] == 3, "status counts three pods")


def test_replicas_that_nobody_asked_us_for_are_left_to_whoever_set_them(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply()
    cake.made()
    cake.kubectl("scale", "deployment", NAME, "--replicas=4")
    operator.settle()
    assert cake.must("deployment")["spec"]["replicas"] == 4
    eventually(lambda: "left to" in cake.status()["scaling"]["reason"], "status says who sets them")
    cake.kubectl("scale", "cake", NAME, "--replicas=2")
    eventually(lambda: cake.must("deployment")["spec"]["replicas"] == 2, "spec.replicas takes them back")


def test_it_says_that_it_lives_and_what_it_did(operator: OperatorProcess) -> None:
    assert operator.health() == 200
    assert operator.figure("cake_operator_api_requests_total") > 0


def live(cake: Cake) -> Object:
    """The live configuration that the engines read."""
    return dict(json.loads(cake.must("configmap", f"{NAME}-tuning")["data"]["tuning.json"]))


def _json(cake: Cake) -> Object | None:
    try:
        return live(cake)
    except (json.JSONDecodeError, KeyError):
        return None


def everything(cake: Cake) -> dict[str, Object]:
    return {**cake.children(), "cake": cake.must("cake"), "claim": cake.must("pvc", f"{NAME}-shared")}
