"""What Prometheus answered as Grafana's data frames, as its data source for Prometheus makes them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.asking import Curve

__all__ = ["Frame", "line_frame", "spans", "table_frame"]

Frame = dict[str, Any]
"""The fields of one frame, as `toDataFrame` of @grafana/data takes them; times are milliseconds since the epoch."""


def line_frame(target: Mapping[str, Any], curve: Curve, step: float) -> Frame:
    """One series over time under its name in the legend.

    Args:
        target: The query, from the dashboard's JSON.
        curve: What it found.
        step: Seconds between samples: the line is broken where one is missing.
    """
    name = re.sub(r"\{\{(\w+)\}\}", lambda match: curve.labels.get(match[1], ""), target["legendFormat"]).strip()
    time = {"name": "Time", "type": "time", "config": {"interval": 1000 * step}, "values": _milliseconds(curve.times)}
    value = {
        "name": "Value",
        "type": "number",
        "labels": dict(curve.labels),
        "config": {"displayNameFromDS": name},
        "values": [_number(value) for value in curve.values],
    }
    return {"refId": target["refId"], "fields": [time, value]}


def table_frame(target: Mapping[str, Any], curves: Sequence[Curve], *, several: bool) -> Frame:
    """One row for each series, with a column for each label.

    Args:
        target: The query, from the dashboard's JSON.
        curves: What it found now: one sample each.
        several: Whether the panel has other queries, from whose values these must be told.
    """
    labels = sorted({name for curve in curves for name in curve.labels})
    fields: list[dict[str, Any]] = [
        {
            "name": "Time",
            "type": "time",
            "values": [moment for curve in curves for moment in _milliseconds(curve.times)],
        }
    ]
    fields += [
        {"name": name, "type": "string", "values": [curve.labels.get(name, "") for curve in curves]} for name in labels
    ]
    value = f"Value #{target['refId']}" if several else "Value"
    numbers = [_number(value) for curve in curves for value in curve.values]
    return {"refId": target["refId"], "fields": [*fields, {"name": value, "type": "number", "values": numbers}]}


def spans(curve: Curve, step: float) -> list[tuple[float, float]]:
    """From when to when there were samples without a gap: the regions of an annotation, in milliseconds."""
    found: list[tuple[float, float]] = []
    for moment in _milliseconds(curve.times):
        if found and moment - found[-1][1] <= 1500 * step:
            found[-1] = (found[-1][0], moment)
        else:
            found.append((moment, moment))
    return found


def _milliseconds(times: Sequence[float]) -> list[float]:
    return [1000 * moment for moment in times]


def _number(value: float) -> float | None:
    """JSON has no other numbers than finite ones; Grafana draws none of them either."""
    return value if math.isfinite(value) else None
