"""Draws a dashboard without Grafana: its panels where they stand, their queries asked of a Prometheus; one picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, Formatter, PercentFormatter, ScalarFormatter

from dashboards.asking import Curve, Prometheus

__all__ = ["draw"]

Found = list[tuple[dict[str, Any], list[Curve]]]
"""The targets of a panel, each with what its query found."""

CELL_WIDTH_INCHES = 0.75
CELL_HEIGHT_INCHES = 0.42
LEGEND_AT_MOST = 8
"""Names in a legend; Grafana scrolls, a picture does not."""


def draw(page: dict[str, Any], prometheus: Prometheus, path: Path) -> list[str]:
    """Write the picture of a dashboard.

    Args:
        page: The dashboard as JSON.
        prometheus: Whom to ask.
        path: The file, .png or .svg.

    Returns:
        The titles of panels that had nothing to show.

    Raises:
        QueryError: Prometheus did not take a query.
    """
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in page["panels"])
    with mpl.rc_context({"font.size": 7, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(24 * CELL_WIDTH_INCHES, (height + 1) * CELL_HEIGHT_INCHES))
        figure.suptitle(page["title"], fontsize=12, y=1 - 0.4 / (height + 1))
        empty = []
        for panel in page["panels"]:
            axes = _placed(figure, panel["gridPos"], height)
            axes.set_title(panel["title"], loc="left", fontweight="bold")
            if panel["type"] == "row":
                axes.axis("off")
                continue
            found = [(target, prometheus.curves(target["expr"])) for target in panel["targets"]]
            if not any(curves for _, curves in found):
                empty.append(str(panel["title"]))
                axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes)
            match panel["type"]:
                case "table":
                    _tabulate(axes, panel, found)
                case "state-timeline":
                    _bar(axes, found, prometheus.end)
                case _:
                    _plot(axes, panel, found, prometheus.end)
        figure.savefig(path, dpi=100)
    return empty


def _placed(figure: Figure, place: dict[str, int], height: int) -> Axes:
    """Axes within a cell of the grid, with room for the title above and for what is written at its edges."""
    cell_width, cell_height = 1 / 24, 1 / (height + 1)
    left, width = place["x"] * cell_width, place["w"] * cell_width
    bottom, tall = 1 - (place["y"] + place["h"] + 1) * cell_height, place["h"] * cell_height
    margin = 1.1 * cell_width
    if place["h"] == 1:
        return figure.add_axes((0.2 * cell_width, bottom, width - margin, 0.4 * tall))
    return figure.add_axes((left + margin, bottom + 0.12 * tall, width - 1.3 * margin, 0.7 * tall))


def _plot(axes: Axes, panel: dict[str, Any], found: Found, end: float) -> None:
    """Lines over the minutes before the end."""
    defaults = panel["fieldConfig"]["defaults"]
    named = [(_named(target["legendFormat"], curve), curve) for target, curves in found for curve in curves]
    if "stacking" in defaults.get("custom", {}) and named:
        _stack(axes, named, end)
    else:
        for name, curve in named:
            axes.plot(_minutes(curve.times, end), curve.values, label=name, linewidth=1)
    axes.yaxis.set_major_formatter(_formatter(defaults.get("unit", "short")))
    if "min" in defaults:
        axes.set_ylim(bottom=defaults["min"])
    axes.xaxis.set_major_formatter(EngFormatter("min", sep=" "))
    axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles[:LEGEND_AT_MOST], labels[:LEGEND_AT_MOST], fontsize=6, frameon=False, loc="upper left")


def _stack(axes: Axes, named: list[tuple[str, Curve]], end: float) -> None:
    times = sorted({moment for _, curve in named for moment in curve.times})
    layers = []
    for _, curve in named:
        known = dict(zip(curve.times, curve.values, strict=True))
        layers.append([known.get(moment, 0.0) for moment in times])
    axes.stackplot(_minutes(times, end), layers, labels=[name for name, _ in named], alpha=0.6)


def _bar(axes: Axes, found: Found, end: float) -> None:
    """A dotted bar for each series, where it was above 0."""
    named = [(_named(target["legendFormat"], curve), curve) for target, curves in found for curve in curves]
    for height, (_, curve) in enumerate(named):
        there = [moment for moment, value in zip(curve.times, curve.values, strict=True) if value > 0]
        axes.plot(_minutes(there, end), [height] * len(there), "s", markersize=4)
    axes.set_yticks(range(len(named)), [name for name, _ in named])
    axes.xaxis.set_major_formatter(EngFormatter("min", sep=" "))


def _tabulate(axes: Axes, panel: dict[str, Any], found: Found) -> None:
    """A row for each set of labels, a column for each query, with the newest values."""
    axes.axis("off")
    hidden = {key for change in panel["transformations"] for key in change["options"].get("excludeByName", {})}
    rows: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for target, curves in found:
        for curve in curves:
            row = rows.setdefault(tuple(sorted(curve.labels.items())), {})
            row[target["legendFormat"]] = f"{curve.values[-1]:.4g}"
    labels = sorted({name for row in rows for name, _ in row})
    columns = [target["legendFormat"] for target, _ in found if "Value" not in hidden]
    cells = [[*(dict(key).get(name, "") for name in labels), *map(row.get, columns)] for key, row in rows.items()]
    if cells:
        shown = [[text or "" for text in row] for row in cells]
        axes.table(shown, colLabels=[*labels, *columns], loc="upper left", cellLoc="left")


def _named(legend: str, curve: Curve) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: curve.labels.get(match[1], ""), legend)


def _minutes(times: list[float], end: float) -> list[float]:
    return [(moment - end) / 60 for moment in times]


def _formatter(unit: str) -> Formatter:
    match unit:
        case "percentunit":
            return PercentFormatter(xmax=1, decimals=0)
        case "s":
            return EngFormatter("s")
        case "bytes":
            return EngFormatter("B")
        case "Bps":
            return EngFormatter("B/s")
    return ScalarFormatter(useOffset=False)
