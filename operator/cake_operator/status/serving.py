"""Ready and Progressing: whether requests are served, and whether what was asked for is what runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cake_operator.status.attention import is_overlooked
from cake_operator.status.conditions import Condition, ConditionType, Truth
from cake_operator.status.pods import is_leaving, is_ready
from cake_operator.status.rollouts import meanwhile
from cake_operator.status.troubles import Trouble

__all__ = ["progressing", "ready"]


def ready(
    pods: Sequence[Mapping[str, Any]], ready_replicas: int, wanted: int, troubles: Sequence[Trouble]
) -> Condition:
    """Ready is True while at least one pod takes requests: the Service answers.

    Args:
        pods: The pods as seen.
        ready_replicas: Ready pods, as the Deployment counts them.
        wanted: Pods that shall run.
        troubles: What is wrong, the gravest first.
    """
    if ready_replicas > 0:
        reason = "Serving" if ready_replicas >= wanted else "PartlyServing"
        return _ready(Truth.TRUE, reason, f"{ready_replicas} of {wanted} pods take requests")
    if wanted == 0:
        return _ready(Truth.FALSE, "ScaledToZero", "0 replicas are asked for: no pod shall run")
    if troubles:
        return _ready(Truth.FALSE, troubles[0].reason, troubles[0].message)
    starting = sum(not is_ready(pod) and not is_leaving(pod) for pod in pods)
    return _ready(Truth.FALSE, "Starting", f"no pod takes requests yet; {starting} of {wanted} are starting")


def progressing(
    deployment: Mapping[str, Any] | None, wanted: int, troubles: Sequence[Trouble], how_far: str = ""
) -> Condition:
    """Progressing is True on the way, False once there (Complete) or when something is in the way (its reason).

    Args:
        deployment: The child Deployment as seen; None before it is made.
        wanted: Pods that shall run.
        troubles: What is wrong, the gravest first.
        how_far: How far the pods are that start; empty where there is nothing to say.
    """
    if troubles:
        told = [*(one.message for one in troubles), meanwhile(deployment)]
        return _progressing(Truth.FALSE, troubles[0].reason, "; ".join(filter(None, told)))
    if deployment is None:
        return _progressing(Truth.TRUE, "Creating", "the Deployment is being made")
    status = deployment.get("status") or {}
    if is_overlooked(deployment):
        return _progressing(Truth.TRUE, "RollingOut", "Kubernetes has not looked at the present Deployment yet")
    added = f"; {how_far}" if how_far else ""
    updated, ready_now = status.get("updatedReplicas", 0), status.get("readyReplicas", 0)
    if updated < wanted:
        return _progressing(Truth.TRUE, "RollingOut", f"{updated} of {wanted} pods run the present spec{added}")
    if (surplus := status.get("replicas", 0) - wanted) > 0:
        return _progressing(Truth.TRUE, "RollingOut", f"{surplus} more than the {wanted} pods asked for are to end")
    if ready_now < wanted:
        return _progressing(Truth.TRUE, "Starting", f"{ready_now} of {wanted} pods are ready{added}")
    return _progressing(Truth.FALSE, "Complete", f"{wanted} of {wanted} pods run the present spec and are ready")


def _ready(status: Truth, reason: str, message: str) -> Condition:
    return Condition(ConditionType.READY, status, reason, message)


def _progressing(status: Truth, reason: str, message: str) -> Condition:
    return Condition(ConditionType.PROGRESSING, status, reason, message)
