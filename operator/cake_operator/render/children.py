"""All children of one CakeDeployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cake_engine.config import LiveConfig
from cake_operator.api import CakeDeployment
from cake_operator.render.claims import claims
from cake_operator.render.deployment import deployment
from cake_operator.render.disruption_budget import disruption_budget
from cake_operator.render.network_policy import network_policies
from cake_operator.render.prometheus_rule import prometheus_rules
from cake_operator.render.service import service
from cake_operator.render.settings import RenderSettings
from cake_operator.render.static_config import static_config_map
from cake_operator.render.tuning_config import tuning_config_map

__all__ = ["render"]


def render(
    resource: CakeDeployment,
    replicas: int | None,
    live: LiveConfig,
    settings: RenderSettings,
    *,
    one_node: bool = False,
    present: Mapping[str, Any] | None = None,
    longest_start: int | None = None,
) -> list[dict[str, Any]]:
    """The objects that `resource` asks for, in the order in which they are applied: what pods need comes first.

    Args:
        resource: What the user wrote, with its defaults.
        replicas: Pods to run; None leaves the number to whoever set it.
        live: The knobs to give to the engines.
        settings: The operator's own configuration.
        one_node: Whether a claim can be mounted on one node only.
        present: The Deployment as it is; None before there is one.
        longest_start: Seconds of the longest start that was seen; None before there was one.

    Raises:
        MergeError: `podTemplate` cannot be merged.
    """
    return [
        *claims(resource),
        static_config_map(resource),
        tuning_config_map(resource, live),
        *network_policies(resource),  # before there is anything to reach
        service(resource),
        deployment(resource, replicas, settings, one_node=one_node, present=present, longest_start=longest_start),
        disruption_budget(resource),
        *prometheus_rules(resource, settings.rules),
    ]
