"""The PodDisruptionBudget: a node drain takes one engine at a time."""

from __future__ import annotations

from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import metadata_of, selector_of


def disruption_budget(resource: CakeDeployment) -> dict[str, Any]:
    """PodDisruptionBudget NAME.

    `maxUnavailable: 1` is right for every number of replicas: with several, one leaves at a time; with one, the drain
    goes on: a budget that kept the only pod would block the node for good, and its preStop still ends streams in order.
    A pod that is not ready serves nobody and is never what a drain waits for.
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata_of(resource, resource.metadata.name),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector_of(resource.metadata.name)},
        },
    }
