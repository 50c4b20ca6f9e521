"""Why a pod does not serve, in the words of the scheduler, the kubelet or vLLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cake_operator.status.last_words import last_words
from cake_operator.status.troubles import Trouble

__all__ = ["is_leaving", "is_ready", "pod_trouble", "ready_pods"]

Pod = Mapping[str, Any]

# Waiting for these is the normal course of a start.
PATIENT: Final = frozenset({"ContainerCreating", "PodInitializing"})
SHOWN_CHARACTERS: Final = 400


def is_leaving(pod: Pod) -> bool:
    """Whether the pod is to end."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_ready(pod: Pod) -> bool:
    """Whether the pod takes requests."""
    return not is_leaving(pod) and _condition(pod, "Ready").get("status") == "True"


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
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return Trouble(_scheduling_reason(scheduled), f"pod {name}: {scheduled.get('message', 'waits for a node')}")
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        if (trouble := _container_trouble(name, container)) is not None:
            return trouble
    return None


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
        return Trouble("OOMKilled" if _out_of_memory(last) else "CrashLoopBackOff", f"{where} {_exit(last)}")
    if last is not None and last.get("exitCode"):
        times = container.get("restartCount", 1)
        restarted = "restarted once" if times == 1 else f"restarted {times} times"
        return Trouble(_exit_reason(last), f"{where} {_exit(last)} ({restarted})")
    return None


def _exit_reason(ended: Mapping[str, Any]) -> str:
    return "OOMKilled" if _out_of_memory(ended) else "EngineFailed"


def _out_of_memory(ended: Mapping[str, Any]) -> bool:
    return ended.get("reason") == "OOMKilled"


def _exit(ended: Mapping[str, Any]) -> str:
    """How a container ended, with the line it left that tells why."""
    if _out_of_memory(ended):
        return "ended: out of memory; raise spec.engine.resources.limits.memory, or make the memory tier smaller"
    said = last_words(str(ended.get("message") or ""))
    return f"ended with exit code {ended.get('exitCode')}{f': {_shortened(said)}' if said else ''}"


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _condition(pod: Pod, kind: str) -> Mapping[str, Any]:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})
