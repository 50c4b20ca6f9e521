"""Why a pod does not serve, in the words of the scheduler, the kubelet or vLLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cake_operator.status.troubles import Trouble

__all__ = ["is_ready", "pod_trouble", "ready_pods"]

Pod = Mapping[str, Any]

# Waiting for these is the normal course of a start.
PATIENT: Final = frozenset({"ContainerCreating", "PodInitializing"})
SHOWN_CHARACTERS: Final = 400


def is_ready(pod: Pod) -> bool:
    """Whether the pod takes requests."""
    return not pod["metadata"].get("deletionTimestamp") and _condition(pod, "Ready").get("status") == "True"


def ready_pods(pods: Sequence[Pod]) -> list[str]:
    """The names of the pods that take requests, in order."""
    return sorted(pod["metadata"]["name"] for pod in pods if is_ready(pod))


def pod_trouble(pod: Pod) -> Trouble | None:
    """What keeps a pod from serving; None while it serves, ends, or simply starts."""
    if is_ready(pod) or pod["metadata"].get("deletionTimestamp"):
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
        said = _exit(last) if waiting["reason"] == "CrashLoopBackOff" and last else waiting.get("message") or "waits"
        # Why it crashes says more than that it does.
        reason = "OOMKilled" if last and last.get("reason") == "OOMKilled" else waiting["reason"]
        return Trouble(reason, f"{where} {said}" if said.startswith("ended") else f"{where}: {said}")
    if last is not None and last.get("exitCode"):
        return Trouble(
            _exit_reason(last), f"{where} {_exit(last)} (restarted {container.get('restartCount', 1)} times)"
        )
    return None


def _exit_reason(ended: Mapping[str, Any]) -> str:
    return "OOMKilled" if ended.get("reason") == "OOMKilled" else "EngineFailed"


def _exit(ended: Mapping[str, Any]) -> str:
    """How a container ended, with the last line it left: for vLLM, that names the error."""
    if ended.get("reason") == "OOMKilled":
        return "ended: out of memory; raise spec.engine.resources.limits.memory, or make the memory tier smaller"
    lines = [line.strip() for line in str(ended.get("message") or "").splitlines() if line.strip()]
    said = f": {_shortened(_telling(lines))}" if lines else ""
    return f"ended with exit code {ended.get('exitCode')}{said}"


def _telling(lines: Sequence[str]) -> str:
    """The last line that names an error, else the last line."""
    return next((line for line in reversed(lines) if "Error" in line or "error:" in line), lines[-1])


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _condition(pod: Pod, kind: str) -> Mapping[str, Any]:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})
