"""A dashboard with its data: what the page in the browser draws, and which panels have nothing to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.asking import Prometheus
from dashboards.frames import Frame, line_frame, spans, table_frame

__all__ = ["Drawing", "drawing"]


@dataclass(frozen=True)
class Drawing:
    """One dashboard at one time.

    Attributes:
        document: What the page reads (`browser/page/document.ts`).
        empty: Panels that have nothing to show, and do not say (`noValue`) that this is well.
        unanswered: Queries of panels that found nothing, as "panel: legend".
    """

    document: dict[str, Any]
    empty: tuple[str, ...]
    unanswered: tuple[str, ...]


def drawing(page: Mapping[str, Any], prometheus: Prometheus) -> Drawing:
    """Ask all queries of a dashboard.

    Args:
        page: The dashboard as JSON.
        prometheus: Whom to ask.

    Raises:
        QueryError: Prometheus did not take a query.
    """
    panels, empty, unanswered = [], [], []
    for panel in page["panels"]:
        targets = panel.get("targets", [])
        frames = [frame for target in targets for frame in _frames(target, prometheus, several=len(targets) > 1)]
        panels.append({"panel": panel, "frames": frames})
        answered = {frame["refId"] for frame in frames if _has_values(frame)}
        silent = [target for target in targets if target["refId"] not in answered]
        unanswered += [f"{panel['title']}: {target['legendFormat']}" for target in silent]
        if targets and not answered and "noValue" not in panel["fieldConfig"]["defaults"]:
            empty.append(str(panel["title"]))
    chosen = [variable["name"] for variable in page["templating"]["list"] if variable["type"] == "query"]
    document = {
        "title": page["title"],
        "chosen": {name: prometheus.variables[name] for name in chosen},
        "from": 1000 * prometheus.begin,
        "to": 1000 * prometheus.end,
        "panels": panels,
        "marks": [_mark(mark, prometheus) for mark in page.get("annotations", {}).get("list", [])],
    }
    return Drawing(document, tuple(empty), tuple(unanswered))


def _frames(target: Mapping[str, Any], prometheus: Prometheus, *, several: bool) -> list[Frame]:
    if target.get("format") == "table":
        found = prometheus.newest(target["expr"])
        return [table_frame(target, found, several=several)] if found else []
    return [line_frame(target, curve, prometheus.step) for curve in prometheus.curves(target["expr"])]


def _has_values(frame: Frame) -> bool:
    """Whether there is a number to be seen: a percentile of no requests is not one."""
    return any(value is not None for value in frame["fields"][-1]["values"])


def _mark(mark: Mapping[str, Any], prometheus: Prometheus) -> dict[str, Any]:
    found = [span for curve in prometheus.curves(mark["expr"]) for span in spans(curve, prometheus.step)]
    return {"name": mark["name"], "color": mark["iconColor"], "spans": found}
