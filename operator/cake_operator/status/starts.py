"""How long engines take to start, and how far those are that start now, as the kubelet reports it of their pods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cake_operator.render.container import ENGINE
from cake_operator.status.pods import condition, is_leaving, is_ready

__all__ = ["Starts", "starting", "watch_starts"]


@dataclass(frozen=True, slots=True)
class Starts:
    """What was seen of starts.

    Attributes:
        loading: Since when the engine of a pod runs that does not take requests yet, by the pod's name.
        longest: The longest time from an engine's start to its first answer, in seconds; None before there was one.
    """

    loading: Mapping[str, str] = field(default_factory=dict)
    longest: int | None = None


def watch_starts(before: Starts, pods: Sequence[Mapping[str, Any]]) -> Starts:
    """What is known of starts after a look at the pods.

    Only a start that was seen under way is measured: a pod that is ready again after a busy minute has the moment of
    that, not of its start, and would seem to have taken hours.
    """
    loading, longest = {}, before.longest
    for pod in pods:
        name, engine = pod["metadata"]["name"], _engine(pod)
        since = ((engine.get("state") or {}).get("running") or {}).get("startedAt")
        if since is None or is_leaving(pod):
            continue
        if engine.get("started") is False:
            loading[name] = since
        elif before.loading.get(name) == since:
            answered = _answered(pod)
            if answered is None:
                loading[name] = since
            else:
                longest = max(longest or 1, _seconds(since, answered))
    return Starts(loading, longest)


def starting(pods: Sequence[Mapping[str, Any]], starts: Starts, allowed: int | None) -> str:
    """How far the pods are that do not take requests yet; empty where there is none.

    Moments and not ages: a sentence that changes by itself would be written again and again.

    Args:
        pods: The pods as seen.
        starts: What is known of starts.
        allowed: Seconds that a start is allowed; None where that is not known.
    """
    coming = [pod for pod in pods if not is_ready(pod) and not is_leaving(pod)]
    loading = [starts.loading[name] for pod in coming if (name := pod["metadata"]["name"]) in starts.loading]
    told = []
    if waiting := sum("running" not in (_engine(pod).get("state") or {}) for pod in coming):
        told.append(f"{waiting} without a running engine yet")
    if loading:
        told.append(f"{len(loading)} loading the model, the first since {min(loading)}")
        if starts.longest is not None:
            told.append(f"the longest start seen took {starts.longest} s")
        if allowed is not None:
            told.append(f"{allowed} s are allowed")
    return ", ".join(told)


def _engine(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one for one in containers if one.get("name") == ENGINE), {})


def _answered(pod: Mapping[str, Any]) -> str | None:
    """When its containers became ready. A pod's own readiness may wait for more, such as a load balancer."""
    found = condition(pod, "ContainersReady")
    return found.get("lastTransitionTime") if found.get("status") == "True" else None


def _seconds(since: str, until: str) -> int:
    return math.ceil((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())
