from typing import Any

import pytest

from cake_operator.status.pods import pod_silence, pod_trouble, ready_pods

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
NO_MODEL = """\
pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, Invalid repository ID or local directory specified: '/models/x'. Please verify [type=value_error]
    For further information visit https://errors.pydantic.dev/2.14/v/value_error
"""
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
    "ended in good order, which a server never does": (
        container(state={"running": {}}, lastState={"terminated": {"exitCode": 0}}, restartCount=1),
        "EngineFailed",
        "exit code 0, as one does that the kubelet ends: raise spec.engine.startupTimeout if it still loads then (res",
    ),
    "killed while it loaded": (
        container(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"exitCode": 137, "message": ""}},
        ),
        "CrashLoopBackOff",
        "exit code 137, as one does that the kubelet ends",
    ),
    "the model is not there": (
        container(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"exitCode": 1, "message": NO_MODEL}},
        ),
        "ModelMissing",
        "directory specified: '/models/x'. Please verify; see spec.model.source: whether the folder on the claim",
    ),
    "the model is locked": (
        container(state={"terminated": {"exitCode": 1, "message": "GatedRepoError: 401 Client Error."}}),
        "ModelForbidden",
        "spec.model.source.huggingFace.tokenSecretRef",
    ),
    "the GPU is too small": (
        container(state={"terminated": {"exitCode": 1, "message": "torch.OutOfMemoryError: CUDA out of memory."}}),
        "OutOfGPUMemory",
        "raise spec.engine.tensorParallelSize",
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


SILENCES: dict[str, tuple[Object, str]] = {
    "being made": (QUIET["being made"], "pod chat-1 waits for its volumes, its image or its network: see the events"),
    "loading": (QUIET["loading"], "pod chat-1 runs and does not answer: see `kubectl logs chat-1 -c engine`"),
    "ready": (QUIET["ready"], ""),
    "leaving": (QUIET["leaving"], ""),
    "with words of its own": (pod(TROUBLES["image"][0]), ""),
}


@pytest.mark.parametrize("which", SILENCES)
def test_of_a_pod_without_a_reason_is_said_where_to_look(which: str) -> None:
    silent, said = SILENCES[which]
    assert pod_silence(silent).startswith(said)
    assert bool(pod_silence(silent)) == bool(said)


def test_a_sidecar_that_ended_in_good_order_is_no_trouble() -> None:
    sidecar = {"name": "proxy", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 0}}}
    assert pod_trouble(pod({"containerStatuses": [sidecar]})) is None


def test_a_long_error_is_cut() -> None:
    trouble = pod_trouble(pod(container(state={"terminated": {"exitCode": 1, "message": "Error " + "x" * 5000}})))
    assert trouble is not None
    assert len(trouble.message) < 600


def test_pods_that_leave_are_not_ready() -> None:
    pods = [pod(READY, "b"), pod(READY, "a"), pod(READY, "c", deletionTimestamp="now"), pod({}, "d")]
    assert ready_pods(pods) == ["a", "b"]
