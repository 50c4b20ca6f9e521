"""What becomes of a start that took long: it is told of, it restarts nothing, and the next rollout allows for it."""

import pytest

from tests.cluster.cakes import READY, Cake, Object
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

pytestmark = pytest.mark.usefixtures("operator")

BEGAN, ANSWERED = "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"


def engine(*, started: bool) -> list[Object]:
    """The engine's container, as the kubelet reports it."""
    state = {"name": "engine", "ready": started, "started": started, "restartCount": 0, "image": "x", "imageID": ""}
    return [state | {"state": {"running": {"startedAt": BEGAN}}}]


def allowed(cake: Cake) -> int:
    """Seconds that the kubelet gives a start."""
    (container,) = cake.must("deployment")["spec"]["template"]["spec"]["containers"]
    probe = container["startupProbe"]
    return int(probe["periodSeconds"] * probe["failureThreshold"])


def test_a_long_start_is_told_of_restarts_nothing_and_is_allowed_for_by_the_next_rollout(
    api_server: Cluster, namespace: str
) -> None:
    cake = Cake(api_server, namespace)
    cake.apply()
    (pod,) = eventually(cake.pods, "the ReplicaSet makes a pod")
    name = pod["metadata"]["name"]
    cake.become(name, {"phase": "Running", "containerStatuses": engine(started=False)})
    eventually(lambda: f"1 loading the model, the first since {BEGAN}" in progress(cake), "it is said to load")
    before = cake.must("deployment")["metadata"]["generation"]
    answered = {"type": "ContainersReady", "status": "True", "lastTransitionTime": ANSWERED}
    conditions = [*READY["conditions"], answered]
    cake.become(name, {"phase": "Running", "containerStatuses": engine(started=True), "conditions": conditions})
    told = {"longestSeconds": 900, "allowedSeconds": 1800}
    # Status is written last: what this measurement should change of children is done by then.
    eventually(lambda: cake.status()["startup"] == told, "the start is measured")
    assert (cake.must("deployment")["metadata"]["generation"], allowed(cake)) == (before, 1800)
    cake.apply(engine={"args": ["--seed=1"]})
    eventually(lambda: allowed(cake) == 2700, "the new template allows three times the longest start")
    eventually(lambda: cake.status()["startup"]["allowedSeconds"] == 2700, "status says so")


def progress(cake: Cake) -> str:
    return str(cake.condition("Progressing")["message"])
