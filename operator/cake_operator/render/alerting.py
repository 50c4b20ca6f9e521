"""What every alert is made of. `{{ }}` in its texts is filled in by Prometheus."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["RUNBOOKS", "alert", "record"]

RUNBOOKS: Final = "docs/runbooks/"
"""Where the runbooks are in this repository; an installation may name another place."""


def alert(
    name: str,
    promql: str,
    *,
    severity: str,
    summary: str,
    description: str,
    minutes: int = 0,
    runbooks: str = RUNBOOKS,
    **labels: str,
) -> dict[str, Any]:
    """One alerting rule.

    Args:
        name: CamelCase; its runbook is the page of that name.
        promql: Fires for each series that it finds.
        severity: critical wakes somebody, warning is looked at by day, info is for dashboards.
        summary: One line.
        description: What it means, with figures.
        minutes: How long it must hold.
        runbooks: Where the runbooks are: what stands before the name of the page.
        labels: More labels of the alert.
    """
    return {
        "alert": name,
        "expr": promql,
        **({"for": f"{minutes}m"} if minutes else {}),
        "labels": {"severity": severity, **labels},
        "annotations": {
            "summary": summary,
            "description": description,
            "runbook_url": f"{runbooks}{name}.md",
        },
    }


def record(name: str, promql: str, **labels: str) -> dict[str, Any]:
    """One recording rule; `labels` are added to each series that `promql` finds."""
    return {"record": name, "expr": promql, **({"labels": labels} if labels else {})}
