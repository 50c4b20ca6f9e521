"""operator.json and operator.md: the cells, the figures that the goals are about, and how they grow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.goals import Goal, number, rounded
from benchmarks.journal import Figures
from benchmarks.pages import rendered

TEMPLATE: Final = Path(__file__).with_name("page.md.jinja")
GOALS_ARE_FOR: Final = 1000
"""CakeDeployments at which the goals hold; the largest fleet up to that is judged."""

GOALS: Final = (
    Goal("idle_writes", "Writes at rest, looks at everything among it", "0", lambda v: v == 0, broken=True),
    Goal("resync_s", "One look at everything with nothing to do, s", "< 1", lambda v: v < 1),
    Goal("idle_cores", "Cores used at rest", "< 0.02", lambda v: v < 0.02),
    Goal("apply_p99_s", "Spec change to child written at 20 a second, p99 s", "< 3", lambda v: v < 3),
    Goal("cpu_ms_per_change", "The operator's CPU for one change at 50 a second, ms", "<= 12", lambda v: v <= 12),
    Goal("rss_mb", "Memory, MiB", "< 150", lambda v: v < 150),
    Goal("restart_s", "Restart until everything was looked at, s", "< 15", lambda v: v < 15),
    Goal("restart_writes", "Writes of restarts", "0", lambda v: v == 0, broken=True),
    Goal("drift_p99_s", "A child edited by hand is back, p99 s", "< 0.1", lambda v: v < 0.1),
    Goal("takeover_s", "The acting one of two killed in mid-change: all done, s", "< 15", lambda v: v < 15),
    Goal("takeover_wrong", "What is then not as without the kill", "0", lambda v: v == 0, broken=True),
    Goal("unlike_plan", "Pods and children not as planned after changes", "0", lambda v: v == 0, broken=True),
    Goal("extra_writes", "Specs written more often than changed", "0", lambda v: v == 0),
    Goal("stirred_statuses", "Statuses written of what did not change", "0", lambda v: v == 0),
    Goal("dips", "Deployments that served with fewer pods than asked for", "0", lambda v: v == 0),
    Goal("fault_failures", "Failed runs of `make test-faults`", "0", lambda v: v == 0, broken=True),
)

GROWTH: Final = {
    "made_s": "all children applied, s",
    "resync_s": "look at everything, s",
    "idle_cores": "cores at rest",
    "idle_writes": "writes at rest",
    "apply_p50_s": "20 changes a second: p50, s",
    "apply_p99_s": "p99, s",
    "apply_cpu_ms_per_change": "the operator's CPU, ms a change",
    "apply_api_server_cpu_ms_per_change": "the API server's, ms a change",
    "apply_writes_per_change": "the operator's writes, a change",
    "burst_p50_s": "50 changes a second: p50, s",
    "burst_p99_s": "p99, s",
    "burst_cpu_ms_per_change": "the operator's CPU, ms a change",
    "burst_api_server_cpu_ms_per_change": "the API server's, ms a change",
    "burst_writes_per_change": "the operator's writes, a change",
    "drift_p50_s": "edit by hand undone: p50, s",
    "drift_p99_s": "p99, s",
    "rss_mb": "memory, MiB",
    "restart_s": "restart, s",
    "restart_writes": "writes of restarts",
}
"""What is shown by the size of the fleet, and how it is called there."""


@dataclass(frozen=True)
class Run:
    """All that was measured, and where.

    Attributes:
        figures: By cell.
        faults: fault_runs and fault_failures of the last `make test-faults`; empty where there was none.
    """

    figures: Mapping[str, Figures]
    machine: str
    command: str
    date: str
    faults: Figures

    @property
    def fleets(self) -> list[Figures]:
        """The fleets, by size."""
        return sorted(self.of("fleet"), key=lambda cell: cell["size"])

    def of(self, kind: str) -> list[Figures]:
        """The cells of one kind."""
        return [figures for name, figures in self.figures.items() if name.split("/")[0] == kind]

    def summary(self) -> Figures:
        """The figures that are watched; those whose cells were not measured are left out."""
        found: Figures = {}
        judged = [fleet for fleet in self.fleets if fleet["size"] <= GOALS_ARE_FOR]
        if judged:
            found |= judged[-1] | {"cpu_ms_per_change": judged[-1]["burst_cpu_ms_per_change"]}
        for cell in (*self.of("takeover"), *self.of("pods")):
            found |= cell
        found |= self.faults
        names = {goal.figure for goal in GOALS} | {"apply_p50_s", "drift_p50_s", "takeover_first_write_s", "fault_runs"}
        return {name: value for name, value in found.items() if name in names}

    def growth(self) -> dict[str, dict[str, float]]:
        """Each figure by the size of the fleet."""
        sizes = [f"{fleet['size']:.0f}" for fleet in self.fleets]
        return {
            figure: rounded(dict(zip(sizes, (fleet[figure] for fleet in self.fleets), strict=True)))
            for figure in GROWTH
        }


def faults_found(path: Path) -> Figures:
    """The two figures of the last `make test-faults`, where it has written its result."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return {name: float(found[name]) for name in ("fault_runs", "fault_failures")}


def write(run: Run, folder: Path) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "operator.json").write_text(json.dumps(_document(run), indent=1) + "\n")
    (folder / "operator.md").write_text(page(run))


def tell_of_faults(folder: Path) -> None:
    """Write both files anew, with what the last `make test-faults` found beside the figures that they have already."""
    try:
        document = json.loads((folder / "operator.json").read_text())
    except FileNotFoundError:
        return
    faults = faults_found(folder / "faults.json")
    run = Run(document["cells"], document["machine"], document["command"], document["date"], faults)
    write(run, folder)


def page(run: Run) -> str:
    """The page, in Markdown."""
    found = run.summary()
    return rendered(
        TEMPLATE,
        trim_blocks=True,
        run=run,
        goals=[(goal, found[goal.figure]) for goal in GOALS if goal.figure in found],
        judged=max((f["size"] for f in run.fleets if f["size"] <= GOALS_ARE_FOR), default=0),
        growth=GROWTH,
        number=number,
    )


def _document(run: Run) -> dict[str, object]:
    return {
        "machine": run.machine,
        "command": run.command,
        "date": run.date,
        **rounded(run.summary()),
        "growth": run.growth(),
        "cells": {name: rounded(figures) for name, figures in run.figures.items()},
    }
