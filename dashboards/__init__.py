"""Grafana dashboards as code: one module a dashboard, written as JSON into the chart by `make generate`."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import Dashboard

import dashboards.claim
import dashboards.deployment
import dashboards.fleet

__all__ = ["all_dashboards"]


def all_dashboards() -> Mapping[str, Dashboard]:
    """By the name of its file."""
    return {
        "fleet": dashboards.fleet.dashboard(),
        "deployment": dashboards.deployment.dashboard(),
        "claim": dashboards.claim.dashboard(),
    }
