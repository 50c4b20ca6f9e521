"""What `kubectl describe` tells of what happened to a CakeDeployment."""

import json

import pytest

from tests.cluster.cakes import NAME, READY, Cake
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


def events(cake: Cake) -> dict[str, str]:
    """The sentence of each Event on the CakeDeployment that there is now, by its reason."""
    about = f"involvedObject.kind=CakeDeployment,involvedObject.uid={cake.must('cake')['metadata']['uid']}"
    found = json.loads(cake.kubectl("get", "events", "--field-selector", about, "-o", "json"))["items"]
    assert len({event["reason"] for event in found}) == len(found), "one of a kind in these tests"
    assert {event["count"] for event in found} <= {1}
    return {event["reason"]: event["message"] for event in found}


def test_a_changed_number_a_changed_mode_and_a_finished_rollout_are_told_once(
    cake: Cake, operator: OperatorProcess
) -> None:
    cake.apply()
    cake.made()
    assert events(cake) == {}, "that it is new is no news"
    cake.become(eventually(cake.pods, "a pod is made")[0]["metadata"]["name"], READY)
    eventually(lambda: "1 of 1 pods" in events(cake).get("RolledOut", ""), "the rollout ended")
    cake.apply(balance={"mode": "LoadOnly"})
    told = eventually(lambda: events(cake).get("ModeChanged"), "the mode changed")
    assert told == "from Adaptive to LoadOnly, as generation 2"
    cake.kubectl("scale", "cake", NAME, "--replicas=2")
    assert eventually(lambda: events(cake).get("Scaled"), "it was scaled").startswith("from 1 to 2 replicas")
    assert "ModeChanged" in cake.kubectl("describe", "cake", NAME)
    before = events(cake)
    operator.settle()
    assert events(cake) == before


def test_what_is_refused_is_a_warning(cake: Cake) -> None:
    cake.apply(engine={"podTemplate": {"spec": {"volumes": [{"name": "No!", "emptyDir": {}}]}}})
    eventually(lambda: "Deployment chat" in events(cake).get("ApplyRefused", ""), "the refusal is told")
    assert "Warning" in cake.kubectl("get", "events", "--field-selector", "reason=ApplyRefused")
