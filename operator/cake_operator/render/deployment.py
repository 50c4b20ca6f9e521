"""The Deployment that runs the engines."""

from __future__ import annotations

import math
from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import metadata_of, selector_of
from cake_operator.render.pod import pod_template
from cake_operator.render.settings import RenderSettings

# Beyond the startup probe: scheduling, image pull, mounts.
PROGRESS_MARGIN_SECONDS: Final = 600


def deployment(resource: CakeDeployment, replicas: int | None, settings: RenderSettings) -> dict[str, Any]:
    """Deployment NAME.

    Rollouts add a pod before they take one (`maxSurge: 1, maxUnavailable: 0`). That needs room for one more pod, GPUs
    included, while it lasts; the other way round would take serving capacity away for the minutes that a model loads,
    all of it where there is one replica, and leave nothing serving where the new pods cannot become ready. Without
    room the new pod is Pending, the old ones serve on, and the condition Progressing says so.
    """
    spec: dict[str, Any] = {
        **({} if replicas is None else {"replicas": replicas}),
        "selector": {"matchLabels": selector_of(resource.metadata.name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "progressDeadlineSeconds": math.ceil(resource.spec.engine.startup_timeout.seconds) + PROGRESS_MARGIN_SECONDS,
        "revisionHistoryLimit": 3,
        "template": pod_template(resource, settings),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata_of(resource, resource.metadata.name),
        "spec": spec,
    }
