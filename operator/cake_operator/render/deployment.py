"""The Deployment that runs the engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import metadata_of, selector_of
from cake_operator.render.pod import pod_template
from cake_operator.render.settings import RenderSettings
from cake_operator.render.startup import first_allowance, startup_allowance, startup_annotations
from cake_operator.render.strategy import strategy


def deployment(
    resource: CakeDeployment,
    replicas: int | None,
    settings: RenderSettings,
    *,
    one_node: bool = False,
    present: Mapping[str, Any] | None = None,
    longest_start: int | None = None,
) -> dict[str, Any]:
    """Deployment NAME.

    Args:
        resource: What the user wrote, with its defaults.
        replicas: Pods to run; None leaves the number to whoever set it.
        settings: The operator's own configuration.
        one_node: Whether a claim can be mounted on one node only.
        present: The Deployment as it is; None before there is one.
        longest_start: Seconds of the longest start that was seen; None before there was one.

    Raises:
        MergeError: `podTemplate` cannot be merged.
    """
    engine, template = resource.spec.engine, pod_template(resource, settings)
    seconds = startup_allowance(engine, template, present, longest_start)
    annotations = startup_annotations(template, seconds)
    if seconds != first_allowance(engine):
        template = pod_template(resource, settings, seconds)
    spec: dict[str, Any] = {
        **({} if replicas is None else {"replicas": replicas}),
        "selector": {"matchLabels": selector_of(resource.metadata.name)},
        **strategy(engine, startup_seconds=seconds, one_node=one_node),
        "revisionHistoryLimit": 3,
        "template": template,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata_of(resource, resource.metadata.name), "annotations": annotations},
        "spec": spec,
    }
