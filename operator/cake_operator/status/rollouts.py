"""How a rollout goes on while something is in its way: what keeps new pods from serving, and what serves meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cake_operator.status.pods import pod_silence, pod_trouble
from cake_operator.status.troubles import Trouble

__all__ = ["meanwhile", "rollout_troubles"]

Object = Mapping[str, Any]


def rollout_troubles(deployment: Object | None, pods: Sequence[Object]) -> list[Trouble]:
    """What keeps pods from serving, each reason once: the pods' own words first, then the Deployment's."""
    found: dict[str, Trouble] = {}
    for pod in pods:
        if (trouble := pod_trouble(pod)) is not None:
            found.setdefault(trouble.reason, trouble)
    if "Unschedulable" in found and _adds_pods(deployment):
        found["Unschedulable"] = _with_way_out(found["Unschedulable"])
    refused = _condition(deployment, "ReplicaFailure")
    if refused.get("status") == "True":
        found["PodsRefused"] = Trouble("PodsRefused", f"pods cannot be made: {refused.get('message', '')}")
    if _is_stuck(deployment) and not found:
        silences = [silence for pod in pods if (silence := pod_silence(pod))]
        told = silences[0] if silences else _condition(deployment, "Progressing").get("message", "it takes too long")
        found["DeadlineExceeded"] = Trouble("DeadlineExceeded", told)
    return list(found.values())


def meanwhile(deployment: Object | None) -> str:
    """What a user of a rollout with troubles wants to know beside them; empty where there is nothing to add."""
    status = (deployment or {}).get("status") or {}
    told = []
    if _is_stuck(deployment):
        seconds = ((deployment or {}).get("spec") or {}).get("progressDeadlineSeconds")
        told.append(f"no pod became ready within {f'{seconds} s' if seconds else 'its deadline'}: mend the spec")
    if _is_mixed(status) and status.get("readyReplicas", 0):
        told.append(f"pods of the spec before serve on ({status['readyReplicas']} ready)")
    return "; ".join(told)


def _is_stuck(deployment: Object | None) -> bool:
    """Whether Kubernetes has given the rollout up. The old pods stay, and so do the new."""
    return bool(_condition(deployment, "Progressing").get("status") == "False")


def _is_mixed(status: Object) -> bool:
    """Whether pods of an older spec are still there."""
    return bool(status.get("updatedReplicas", 0) < status.get("replicas", 0))


def _adds_pods(deployment: Object | None) -> bool:
    """Whether a rollout is under way that needs room for one more pod."""
    spec, status = (deployment or {}).get("spec") or {}, (deployment or {}).get("status") or {}
    surge = ((spec.get("strategy") or {}).get("rollingUpdate") or {}).get("maxSurge", 0)
    return _is_mixed(status) and surge != 0 and status.get("replicas", 0) > spec.get("replicas", 0)


def _with_way_out(trouble: Trouble) -> Trouble:
    advice = "make room for the pod that a rollout adds, or write maxUnavailable: 1 and maxSurge: 0 in"
    return Trouble(trouble.reason, f"{trouble.message.rstrip('.')}; {advice} spec.engine.rollout")


def _condition(deployment: Object | None, kind: str) -> Object:
    conditions = ((deployment or {}).get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})
