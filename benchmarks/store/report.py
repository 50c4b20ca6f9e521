"""store.json, store.md and its plot: the cells, and the figures that the goals are about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.goals import Goal, number, rounded
from benchmarks.journal import Figures
from benchmarks.pages import rendered, svg_of

TEMPLATE = Path(__file__).with_name("page.md.jinja")


GOALS = (
    Goal("read_vs_device", "Tier reads over direct reads of the disk, geometric mean", ">= 0.9", lambda v: v >= 0.9),
    Goal("write_vs_device", "Tier writes over direct writes, geometric mean", ">= 0.8", lambda v: v >= 0.8),
    Goal("lookup_p99_ms", "p99 of 500 known look-ups, ms, most files", "< 2", lambda v: v < 2),
    Goal("bytes_per_block", "Memory for one block that is known of, bytes", "< 100", lambda v: v < 100),
    Goal("capacity_overshoot", "Most beyond the capacity, 4 writers", "<= 0.02", lambda v: v <= 0.02, broken=True),
    Goal("crash_points", "Calls at which an engine was killed", ">= 300", lambda v: v >= 300),
    Goal("undetected_flips", "Flipped bits that reached memory", "0", lambda v: v == 0, broken=True),
    Goal("undetected_cuts", "Cut files that reached memory", "0", lambda v: v == 0, broken=True),
    Goal("undetected_zeros", "Files with zeroed pages that reached memory", "0", lambda v: v == 0, broken=True),
)


@dataclass(frozen=True)
class Run:
    """All that was measured, and where."""

    figures: Mapping[str, Figures]
    machine: str
    command: str
    date: str

    def of(self, kind: str) -> dict[str, Figures]:
        """The cells of one kind, by name."""
        return {name: figures for name, figures in self.figures.items() if name.split("/")[0] == kind}

    def summary(self) -> Figures:
        """One value for each goal; a goal whose cells were not measured has none."""
        found: Figures = {}
        for figure in ("read_vs_device", "write_vs_device"):
            if ratios := [cell[figure] for cell in self.of("throughput").values()]:
                found[figure] = geometric_mean(ratios)
        if largest := max(self.of("files").values(), key=lambda cell: cell["files"], default=None):
            found |= {figure: largest[figure] for figure in ("lookup_p99_ms", "bytes_per_block")}
        names = {goal.figure for goal in GOALS}
        for kind in ("capacity", "crashes", "damage"):
            for cell in self.of(kind).values():
                found |= {figure: value for figure, value in cell.items() if figure in names}
        return found

    def broken(self) -> list[str]:
        """The goals that no machine excuses, and that are missed."""
        found = self.summary()
        return [g.meaning for g in GOALS if g.broken and g.figure in found and not g.met(found[g.figure])]


def write(run: Run, folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "store.json").write_text(json.dumps(_document(run), indent=1) + "\n")
    (folder / "store.svg").write_text(_plot(run))
    (folder / "store.md").write_text(page(run))


def page(run: Run) -> str:
    """The page, in Markdown."""
    found = run.summary()
    goals = [(goal, found[goal.figure]) for goal in GOALS if goal.figure in found]
    return rendered(TEMPLATE, run=run, goals=goals, number=number)


def _document(run: Run) -> dict[str, object]:
    return {
        "machine": run.machine,
        "command": run.command,
        "date": run.date,
        **rounded(run.summary()),
        "cells": {name: rounded(figures) for name, figures in run.figures.items()},
    }


def _plot(run: Run) -> str:
    """Rates over the disk's by block size and threads, and what grows with the number of files."""
    with rc_context({"svg.hashsalt": "store", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        rates = run.of("throughput")
        names = [name.removeprefix("throughput/").replace("/", ", ") for name in rates]
        for offset, colour, ratio in ((-0.2, "#4878a8", "read_vs_device"), (0.2, "#b5651d", "write_vs_device")):
            places = [place + offset for place in range(len(names))]
            left.barh(places, [cell[ratio] for cell in rates.values()], 0.4, color=colour, label=ratio.split("_")[0])
        left.set_yticks(range(len(names)), names, fontsize=7)
        left.axvline(1.0, color="black", linewidth=0.8)
        left.set_xlabel("over direct reads and writes of the disk")
        left.legend(fontsize=7)
        grown = sorted(run.of("files").values(), key=lambda cell: cell["files"])
        files = [cell["files"] for cell in grown]
        for axes, figures in (
            (middle, ("lookup_p99_ms", "lookup_first_p99_ms")),
            (right, ("gc_count_seconds_per_million", "gc_remove_seconds_per_million")),
        ):
            for one in figures:
                axes.loglog(files, [cell[one] for cell in grown], "-o", markersize=3, label=one)
            axes.set_xlabel("files")
            axes.grid(alpha=0.3)
            axes.legend(fontsize=7)
        return svg_of(figure)
