from typing import Any

import pytest

from cake_operator.status.pods import pod_trouble, ready_pods
from cake_operator.status.serving import rollout_troubles

Object = dict[str, Any]
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def pod(status: Object, name: str = "chat-1", **meta: Any) -> Object:
    return {"metadata": {"name": name, **meta}, "status": status}


def container(**fields: Any) -> Object:
    return {"containerStatuses": [{"name": "engine", "restartCount": 2} | fields]}


def scheduled(reason: str, message: str) -> Object:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return {"conditions": [condition]}


LOG = "INFO 11-22 loading\nValueError: The model's max seq len (8192) is larger\nINFO 11-22 shutting down\n"
TROUBLES: dict[str, tuple[Object, str, str]] = {
    "unschedulable": (scheduled("Unschedulable", "0/3 nodes: 3 Insufficient nvidia.com/gpu"), "Unschedulable", "gpu"),
    "claim pending": (
        scheduled("Unschedulable", "pod has unbound immediate PersistentVolumeClaims"),
        "ClaimPending",
        "unbound",
    ),
    "claim missing": (
        scheduled("Unschedulable", 'persistentvolumeclaim "kv" not found'),
        "ClaimMissing",
        '"kv" not found',
    ),
    "image": (
        container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
        "ImagePullBackOff",
        "pod chat-1, container engine: no such image",
    ),
    "crash loop, with vLLM's own error": (
        container(
            state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
            lastState={"terminated": {"exitCode": 1, "message": LOG}},
        ),
        "CrashLoopBackOff",
        "engine ended with exit code 1: ValueError: The model's max seq len",
    ),
    "crash loop, nothing said": (
        container(
            state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 3, "message": " "}}
        ),
        "CrashLoopBackOff",
        "ended with exit code 3",
    ),
    "out of memory": (
        container(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        ),
        "OOMKilled",
        "spec.engine.resources.limits.memory",
    ),
    "ended just now": (
        container(state={"terminated": {"exitCode": 2, "message": "usage: cake-engine"}}),
        "EngineFailed",
        "exit code 2: usage: cake-engine",
    ),
    "starting again": (
        container(state={"running": {}}, lastState={"terminated": {"exitCode": 1, "message": "boom"}}),
        "EngineFailed",
        "boom (restarted 2 times)",
    ),
    "an image that is gone since it was out of memory": (
        container(
            state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
            lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        ),
        "ImagePullBackOff",
        "container engine: no such image",
    ),
    "started again for the first time": (
        container(state={"running": {}}, lastState={"terminated": {"exitCode": 1}}, restartCount=1),
        "EngineFailed",
        "ended with exit code 1 (restarted once)",
    ),
    "an init container": (
        {"initContainerStatuses": [{"name": "warm", "state": {"waiting": {"reason": "ErrImagePull", "message": "m"}}}]},
        "ErrImagePull",
        "container warm: m",
    ),
    "evicted": (
        {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
        "Evicted",
        "low on resource",
    ),
}


@pytest.mark.parametrize("which", TROUBLES)
def test_a_pod_gives_its_reason(which: str) -> None:
    status, reason, said = TROUBLES[which]
    trouble = pod_trouble(pod(status))
    assert trouble is not None
    assert trouble.reason == reason
    assert said in trouble.message
    assert "chat-1" in trouble.message


QUIET: dict[str, Object] = {
    "new": pod({}),
    "being made": pod(container(state={"waiting": {"reason": "ContainerCreating"}})),
    "loading": pod(container(state={"running": {}})),
    "ready": pod(READY | container(state={"running": {}}, lastState={"terminated": {"exitCode": 1}})),
    "leaving": pod(TROUBLES["image"][0], deletionTimestamp="2026-01-01T00:00:00Z"),
}


@pytest.mark.parametrize("which", QUIET)
def test_a_pod_that_starts_serves_or_leaves_is_no_trouble(which: str) -> None:
    assert pod_trouble(QUIET[which]) is None


def test_a_long_error_is_cut() -> None:
    trouble = pod_trouble(pod(container(state={"terminated": {"exitCode": 1, "message": "Error " + "x" * 5000}})))
    assert trouble is not None
    assert len(trouble.message) < 600


def test_pods_that_leave_are_not_ready() -> None:
    pods = [pod(READY, "b"), pod(READY, "a"), pod(READY, "c", deletionTimestamp="now"), pod({}, "d")]
    assert ready_pods(pods) == ["a", "b"]


def test_ten_pods_with_one_reason_are_one_trouble() -> None:
    pods = [pod(TROUBLES["image"][0], f"chat-{number}") for number in range(10)]
    assert [trouble.reason for trouble in rollout_troubles(None, pods)] == ["ImagePullBackOff"]


DEPLOYMENT_CONDITIONS = [
    ({"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}, "PodsRefused"),
    ({"type": "Progressing", "status": "False", "message": "timed out"}, "DeadlineExceeded"),
]


@pytest.mark.parametrize(("condition", "reason"), DEPLOYMENT_CONDITIONS)
def test_the_deployments_own_words_are_passed_on(condition: Object, reason: str) -> None:
    troubles = rollout_troubles({"status": {"conditions": [condition]}}, [])
    assert [(one.reason, condition["message"] in one.message) for one in troubles] == [(reason, True)]


def test_a_deadline_is_not_told_of_where_a_pod_says_why() -> None:
    deployment = {"status": {"conditions": [DEPLOYMENT_CONDITIONS[1][0]]}}
    assert [one.reason for one in rollout_troubles(deployment, [pod(TROUBLES["image"][0])])] == ["ImagePullBackOff"]
