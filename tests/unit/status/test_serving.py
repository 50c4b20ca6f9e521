"""Ready and Progressing, as the pods and their Deployment come and go."""

from typing import Any

import pytest

from cake_operator.status.conditions import Condition
from cake_operator.status.serving import progressing, ready
from cake_operator.status.troubles import Trouble

Object = dict[str, Any]
TROUBLE = Trouble("ImagePullBackOff", "pod chat-1: no such image")
STARTING: Object = {"metadata": {"name": "a"}}
LEAVING: Object = {"metadata": {"name": "b", "deletionTimestamp": "2026-01-01T00:00:00Z"}}


def said(condition: Condition) -> tuple[str, str, str]:
    return str(condition.status), condition.reason, condition.message


READINESS: dict[str, tuple[list[Object], int, int, list[Trouble], tuple[str, str, str]]] = {
    "all serve": ([], 2, 2, [], ("True", "Serving", "2 of 2 pods take requests")),
    "some serve": ([STARTING], 1, 2, [], ("True", "PartlyServing", "1 of 2 pods take requests")),
    "some serve, others cannot": ([STARTING], 1, 2, [TROUBLE], ("True", "PartlyServing", "1 of 2 pods take requests")),
    "none shall": ([], 0, 0, [], ("False", "ScaledToZero", "0 replicas are asked for: no pod shall run")),
    "none can": ([STARTING], 0, 1, [TROUBLE], ("False", "ImagePullBackOff", "pod chat-1: no such image")),
    "none does yet": (
        [STARTING, LEAVING, LEAVING],
        0,
        1,
        [],
        ("False", "Starting", "no pod takes requests yet; 1 of 1 are starting"),
    ),
}


@pytest.mark.parametrize("which", READINESS)
def test_ready_is_true_while_a_pod_takes_requests(which: str) -> None:
    pods, ready_replicas, wanted, troubles, expected = READINESS[which]
    assert said(ready(pods, ready_replicas, wanted, troubles)) == expected


def deployment(generation: int = 1, **status: int) -> Object:
    return {"metadata": {"generation": generation}, "status": {"observedGeneration": 1, **status}}


PROGRESS: dict[str, tuple[Object | None, int, list[Trouble], tuple[str, str, str]]] = {
    "not made yet": (None, 1, [], ("True", "Creating", "the Deployment is being made")),
    "not looked at yet": (
        deployment(2, replicas=2, updatedReplicas=2, readyReplicas=2),
        2,
        [],
        ("True", "RollingOut", "Kubernetes has not looked at the present Deployment yet"),
    ),
    "rolling": (
        deployment(replicas=3, updatedReplicas=1, readyReplicas=2),
        2,
        [],
        ("True", "RollingOut", "1 of 2 pods run the present spec"),
    ),
    "shrinking": (
        deployment(replicas=4, updatedReplicas=4, readyReplicas=4),
        2,
        [],
        ("True", "RollingOut", "2 more than the 2 pods asked for are to end"),
    ),
    "starting": (
        deployment(replicas=2, updatedReplicas=2, readyReplicas=1),
        2,
        [],
        ("True", "Starting", "1 of 2 pods are ready"),
    ),
    "there": (
        deployment(replicas=2, updatedReplicas=2, readyReplicas=2),
        2,
        [],
        ("False", "Complete", "2 of 2 pods run the present spec and are ready"),
    ),
    "in the way": (
        deployment(replicas=2, updatedReplicas=1, readyReplicas=1),
        2,
        [TROUBLE, Trouble("PodsRefused", "quota")],
        ("False", "ImagePullBackOff", "pod chat-1: no such image; quota; pods of the spec before serve on (1 ready)"),
    ),
}


FAR = [
    (deployment(replicas=2, updatedReplicas=2, readyReplicas=1), "1 of 2 pods are ready; 1 loading"),
    (deployment(replicas=3, updatedReplicas=1, readyReplicas=2), "1 of 2 pods run the present spec; 1 loading"),
    (deployment(replicas=2, updatedReplicas=2, readyReplicas=2), "2 of 2 pods run the present spec and are ready"),
]


@pytest.mark.parametrize(("seen", "message"), FAR)
def test_progressing_says_how_far_the_pods_are_while_some_start(seen: Object, message: str) -> None:
    assert progressing(seen, 2, [], "1 loading").message == message


@pytest.mark.parametrize("which", PROGRESS)
def test_progressing_says_how_far_it_is(which: str) -> None:
    seen, wanted, troubles, expected = PROGRESS[which]
    assert said(progressing(seen, wanted, troubles)) == expected
