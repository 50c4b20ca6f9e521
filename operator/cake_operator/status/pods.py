"""Why a pod does not serve, in the words of the scheduler, the kubelet or vLLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cake_operator.render.container import ENGINE
from cake_operator.status.causes import cause_of
from cake_operator.status.last_words import last_words
from cake_operator.status.troubles import Trouble

__all__ = ["condition", "is_leaving", "is_ready", "pod_silence", "pod_trouble", "ready_pods"]

Pod = Mapping[str, Any]

# Waiting for these is the normal course of a start.
PATIENT: Final = frozenset({"ContainerCreating", "PodInitializing"})
SHOWN_CHARACTERS: Final = 400
# As a shell counts: 128 and the signal. The kubelet sends SIGTERM to a container whose probe failed, then SIGKILL.
ENDED_BY_SIGNAL: Final = frozenset({128 + 15, 128 + 9})


def condition(pod: Pod, kind: str) -> Mapping[str, Any]:
    """One of the pod's conditions; empty where the kubelet has not told of it."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), {})


def is_leaving(pod: Pod) -> bool:
    """Whether the pod is to end."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_ready(pod: Pod) -> bool:
    """Whether the pod takes requests."""
    return not is_leaving(pod) and condition(pod, "Ready").get("status") == "True"


def ready_pods(pods: Sequence[Pod]) -> list[str]:
    """The names of the pods that take requests, in order."""
    return sorted(pod["metadata"]["name"] for pod in pods if is_ready(pod))


def pod_trouble(pod: Pod) -> Trouble | None:
    """What keeps a pod from serving; None while it serves, ends, or simply starts."""
    if is_ready(pod) or is_leaving(pod):
        return None
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if status.get("phase") == "Failed" and status.get("reason"):
        return Trouble(status["reason"], f"pod {name}: {status.get('message') or status['reason']}")
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return Trouble(_scheduling_reason(scheduled), f"pod {name}: {scheduled.get('message', 'waits for a node')}")
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        if (trouble := _container_trouble(name, container)) is not None:
            return trouble
    return None


def pod_silence(pod: Pod) -> str:
    """What can be said of a pod that neither serves nor gives a reason; empty of one that does either."""
    if is_ready(pod) or is_leaving(pod) or pod_trouble(pod) is not None:
        return ""
    name = pod["metadata"]["name"]
    containers = (pod.get("status") or {}).get("containerStatuses") or ()
    if any("running" in (one.get("state") or {}) for one in containers):
        return f"pod {name} runs and does not answer: see `kubectl logs {name} -c {ENGINE}`"
    return (
        f"pod {name} waits for its volumes, its image or its network: see the events in `kubectl describe pod {name}`"
    )


def _scheduling_reason(condition: Mapping[str, Any]) -> str:
    message = str(condition.get("message", "")).lower()
    if "persistentvolumeclaim" in message:
        return "ClaimMissing" if "not found" in message else "ClaimPending"
    return str(condition.get("reason") or "Unschedulable")


def _container_trouble(pod: str, container: Mapping[str, Any]) -> Trouble | None:
    state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated")
    waiting, ended = state.get("waiting"), state.get("terminated")
    where = f"pod {pod}, container {container['name']}"
    if ended is not None and ended.get("exitCode"):
        return Trouble(_exit_reason(ended), f"{where} {_exit(ended)}")
    if waiting is not None and waiting.get("reason") not in PATIENT | {None}:
        if waiting["reason"] != "CrashLoopBackOff" or not last:
            return Trouble(waiting["reason"], f"{where}: {waiting.get('message') or 'waits'}")
        # Why it crashes says more than that it does.
        return Trouble(_exit_reason(last, "CrashLoopBackOff"), f"{where} {_exit(last)}")
    # An engine that ended in good order has failed all the same: it is to serve for ever.
    if last is not None and (last.get("exitCode") or container["name"] == ENGINE):
        times = container.get("restartCount", 1)
        restarted = "restarted once" if times == 1 else f"restarted {times} times"
        return Trouble(_exit_reason(last), f"{where} {_exit(last)} ({restarted})")
    return None


def _exit_reason(ended: Mapping[str, Any], otherwise: str = "EngineFailed") -> str:
    if ended.get("reason") == "OOMKilled":
        return "OOMKilled"
    cause = cause_of(last_words(str(ended.get("message") or "")))
    return otherwise if cause is None else cause.reason


def _exit(ended: Mapping[str, Any]) -> str:
    """How a container ended, with the line it left that tells why, and what to do where that is known."""
    if ended.get("reason") == "OOMKilled":
        return "ended: out of memory; raise spec.engine.resources.limits.memory, or make the memory tier smaller"
    code, said = ended.get("exitCode", 0), last_words(str(ended.get("message") or ""))
    told = f"ended with exit code {code}{f': {_shortened(said)}' if said else ''}"
    if (cause := cause_of(said)) is not None:
        return f"{told}; {cause.advice}"
    if code == 0 or code in ENDED_BY_SIGNAL:
        return f"{told}, as one does that the kubelet ends: raise spec.engine.startupTimeout if it still loads then"
    return told


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."
