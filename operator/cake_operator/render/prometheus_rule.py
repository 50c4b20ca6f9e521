"""The PrometheusRule: recording rules and alerts for the objective, in the words of the Prometheus Operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.alerting import RUNBOOKS
from cake_operator.render.naming import metadata_of
from cake_operator.render.slo_rules import slo_groups

__all__ = ["RuleSettings", "prometheus_rules"]


@dataclass(frozen=True)
class RuleSettings:
    """What an installation decides about rules.

    Attributes:
        window: Over which percentiles are taken.
        labels: By which the user's Prometheus selects its rules.
        runbooks: What stands before the name of a runbook's page.
    """

    window: timedelta = timedelta(minutes=1)
    labels: Mapping[str, str] = field(default_factory=dict)
    runbooks: str = RUNBOOKS


def prometheus_rules(resource: CakeDeployment, settings: RuleSettings | None) -> list[dict[str, Any]]:
    """PrometheusRule NAME-slo; nothing without an objective, or where the cluster has no such kind (no settings)."""
    if settings is None or resource.spec.slo is None:
        return []
    meta = metadata_of(resource, f"{resource.metadata.name}-slo")
    # Ours win: by them the operator finds what it made.
    meta["labels"] = {**settings.labels, **meta["labels"]}
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": meta,
            "spec": {"groups": slo_groups(resource, settings.window, settings.runbooks)},
        }
    ]
