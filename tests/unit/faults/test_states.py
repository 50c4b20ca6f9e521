"""States that can be compared: equal where nothing differs but names, identities and moments."""

import copy
import json
from typing import Any

import pytest

from tests.faults.states import differences, state_of

Object = dict[str, Any]


def cake(name: str, namespace: str = "one", uid: str = "u-1") -> Object:
    conditions = [{"type": "Ready", "status": "False", "reason": "Starting", "message": f"{name} starts"}]
    status = {
        "observedGeneration": 2,
        "conditions": conditions,
        "replicas": 1,
        "scaling": {"desiredReplicas": 1},
        "balance": {"mode": "Adaptive", "generation": 4},
    }
    return {"metadata": {"name": name, "namespace": namespace, "uid": uid, "generation": 2}, "status": status}


def children(owner: Object, generation: int = 4) -> dict[str, list[Object]]:
    meta = owner["metadata"]
    common = {
        "namespace": meta["namespace"],
        "labels": {"cake.dev/deployment": meta["name"]},
        "ownerReferences": [{"kind": "CakeDeployment", "name": meta["name"], "uid": meta["uid"], "controller": True}],
    }
    tuning = json.dumps({"generation": generation, "mode": "Adaptive"})
    return {
        "services": [
            {
                "metadata": {**common, "name": meta["name"], "resourceVersion": meta["uid"]},
                "spec": {"clusterIP": meta["uid"], "selector": {"cake.dev/deployment": meta["name"]}},
            }
        ],
        "configmaps": [{"metadata": {**common, "name": f"{meta['name']}-tuning"}, "data": {"tuning.json": tuning}}],
    }


def pod(*, going: bool = False) -> Object:
    return {"metadata": {"deletionTimestamp": "now"} if going else {}}


def test_two_that_differ_in_names_and_identities_only_are_the_same() -> None:
    first, second = cake("subject-1"), cake("subject-12", "another", "u-2")
    assert state_of(first, children(first), [pod()]) == state_of(second, children(second), [pod(), pod(going=True)])


def test_how_often_the_live_configuration_was_written_is_no_difference_while_status_knows_it() -> None:
    first, second = cake("a-1"), cake("a-1")
    second["status"]["balance"]["generation"] = 9
    assert state_of(first, children(first), []) == state_of(second, children(second, generation=9), [])
    assert differences(state_of(first, children(first, generation=9), []), state_of(first, children(first), [])) == [
        'live: "[9], told 4", not "as told"'
    ]


CHANGES: dict[str, tuple[list[str | int], Any, str]] = {
    "a spec": (
        ["services", 0, "spec", "selector"],
        {},
        "services/NAME: spec: selector: cake.dev/deployment is missing",
    ),
    "an owner": (["services", 0, "metadata", "ownerReferences"], None, "services/NAME: owners: []"),
    "a label": (["services", 0, "metadata", "labels", "team"], "x", "services/NAME: labels: team is too much"),
    "a configuration": (["configmaps", 0, "data", "tuning.json"], "nonsense", "configmaps/NAME-tuning: data"),
    "a child": (["services"], [], "services/NAME is missing"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_is_said_with_its_place(change: str) -> None:
    path, value, said = CHANGES[change]
    owner = cake("subject-1")
    expected, found = children(owner), copy.deepcopy(children(owner))
    inner: Any = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    told = differences(state_of(owner, found, []), state_of(owner, expected, []))
    assert any(said in one for one in told), told


def test_a_status_of_an_older_spec_is_a_difference() -> None:
    owner, late = cake("subject-1"), cake("subject-1")
    late["status"]["observedGeneration"] = 1
    assert differences(state_of(late, {}, []), state_of(owner, {}, [])) == [
        "status: of the present spec: false, not true"
    ]


def test_of_what_is_gone_nothing_is_left() -> None:
    assert state_of(None, {"services": []}, [pod(going=True)]) == {"pods": 0}
