"""How the Deployment replaces pods."""

from __future__ import annotations

import math
from typing import Any, Final

from cake_operator.api import EngineSpec

# Beyond the startup probe: scheduling, image pull, mounts.
PROGRESS_MARGIN_SECONDS: Final = 600


def strategy(engine: EngineSpec, *, startup_seconds: int, one_node: bool) -> dict[str, Any]:
    """The fields of a Deployment that say how a rollout goes.

    A pod is added before one is taken (`maxSurge: 1, maxUnavailable: 0`), unless the user says otherwise. That needs
    room for one more pod, GPUs included, while it lasts; the other way round would take serving capacity away for the
    minutes that a model loads, all of it where there is one replica, and leave nothing serving where the new pods
    cannot become ready. Without room the new pod is Pending, the old ones serve on, and the condition Progressing says
    so.

    Args:
        engine: What the user asks for.
        startup_seconds: How long a start may take.
        one_node: Whether a claim can be mounted on one node only. A second pod may then wait for ever for the first
            one to let go of it, so the old pod goes first.
    """
    surge, unavailable = engine.rollout.max_surge, engine.rollout.max_unavailable
    if surge is None:
        surge = 0 if one_node and unavailable != 0 else 1
    if unavailable is None:
        unavailable = 1 if surge == 0 else 0
    deadline = engine.rollout.progress_deadline
    seconds = startup_seconds + PROGRESS_MARGIN_SECONDS if deadline is None else deadline.seconds
    return {
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
        },
        "progressDeadlineSeconds": math.ceil(seconds),
    }
