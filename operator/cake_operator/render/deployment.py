"""The Deployment that runs the engines."""

from __future__ import annotations

from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import metadata_of, selector_of
from cake_operator.render.pod import pod_template
from cake_operator.render.settings import RenderSettings
from cake_operator.render.strategy import strategy


def deployment(
    resource: CakeDeployment, replicas: int | None, settings: RenderSettings, *, one_node: bool = False
) -> dict[str, Any]:
    """Deployment NAME.

    Args:
        resource: What the user wrote, with its defaults.
        replicas: Pods to run; None leaves the number to whoever set it.
        settings: The operator's own configuration.
        one_node: Whether a claim can be mounted on one node only.

    Raises:
        MergeError: `podTemplate` cannot be merged.
    """
    spec: dict[str, Any] = {
        **({} if replicas is None else {"replicas": replicas}),
        "selector": {"matchLabels": selector_of(resource.metadata.name)},
        **strategy(resource.spec.engine, one_node=one_node),
        "revisionHistoryLimit": 3,
        "template": pod_template(resource, settings),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata_of(resource, resource.metadata.name),
        "spec": spec,
    }
