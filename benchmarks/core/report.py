"""docs/benchmarks/core.json, core.md and its plot."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.core.cells import Cell
from benchmarks.core.paper import Beside, Figure4, Figure6
from benchmarks.core.virtual_clock import Knowledge
from benchmarks.pages import rendered, svg_of

TEMPLATE = Path(__file__).with_name("page.md.jinja")


@dataclass(frozen=True)
class Run:
    """All that was played, and where."""

    cells: Sequence[Cell]
    tables: Sequence[Beside]
    figure_4: Sequence[Figure4]
    figure_6: Figure6
    machine: str
    command: str
    seconds: float


def cause(cell: Cell) -> str:
    """Why requests of a cell miss a goal."""
    if cell.condition.knowledge is Knowledge.GIVEN:
        return (
            "the figures given leave out that latency is paid again, and loading all is counted without waiting for "
            "the end of a decode step"
        )
    if cell.condition.knowledge is Knowledge.COLD:
        return "nothing is known: steps that double have a base each, and the first of them are spent on learning"
    if cell.condition.rates in ("steady", "fluctuating"):
        return "the first estimate errs by some per cent, and a step that was begun on it is not taken back"
    return (
        "what is under way when a speed changes cannot be taken back, and one or two steps more tell a change from an "
        "outlier: prompts of few steps have no time to make up for it"
    )


def write(run: Run, folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "core.json").write_text(json.dumps(_document(run), indent=1) + "\n")
    (folder / "core.svg").write_text(_plot(run.cells))
    (folder / "core.md").write_text(page(run))


def _document(run: Run) -> dict[str, object]:
    cells = [
        {
            "name": cell.name,
            **{key: _number(value) for key, value in cell.figures().items()},
            "missed_share": _number(cell.missed_share),
        }
        for cell in run.cells
    ]
    tables = [
        {
            **asdict(one.cell),
            "ours_over_load": _number(one.over_load),
            "ours_over_compute": _number(one.over_compute),
            "ours_over_oracle": _number(one.over_oracle),
        }
        for one in run.tables
    ]
    return {
        "machine": run.machine,
        "command": run.command,
        "seconds": round(run.seconds, 1),
        "requests": sum(len(cell.played) for cell in run.cells),
        "cells": cells,
        "missed": {cell.name: cause(cell) for cell in run.cells if cell.missed_share},
        "paper": tables,
        "figure_4": [asdict(one) for one in run.figure_4],
        "figure_6": asdict(run.figure_6),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def page(run: Run) -> str:
    """The page, in Markdown."""
    return rendered(
        TEMPLATE,
        run=run,
        cells=run.cells,
        requests=sum(len(cell.played) for cell in run.cells),
        missed=[cell for cell in run.cells if cell.missed_share],
        cause=cause,
    )


def _plot(cells: Sequence[Cell]) -> str:
    """Every request as a point, by cell: over the oracle, and over the better single resource."""
    with rc_context({"svg.hashsalt": "core", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 6.5), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for row, cell in enumerate(cells):
            for axes, values in (
                (left, sorted(one.plain_over_oracle for one in cell.played)),
                (right, sorted(one.over_single for one in cell.played)),
            ):
                axes.plot(values, [row] * len(values), "|", color="#2e7d32", alpha=0.4, markersize=7)
        left.set_yticks(range(len(cells)), [cell.name for cell in cells], fontsize=7)
        left.invert_yaxis()
        left.set_xlabel("over the oracle")
        right.set_xlabel("over the better single resource (goal 1.03)")
        right.axvline(1.03, color="#b71c1c", linewidth=0.8)
        for axes in (left, right):
            axes.set_xlim(right=min(2.5, axes.get_xlim()[1]))
            axes.grid(axis="x", alpha=0.3)
        return svg_of(figure)
