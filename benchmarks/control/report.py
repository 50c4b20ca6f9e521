"""docs/benchmarks/control.json, control.md and its plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.control import calibration, contention, knobs, retention
from benchmarks.control.calibration import Compared
from benchmarks.control.comparing import AT, OBJECTIVE, PROFILE, Run, all_hours, hours_at, standings
from benchmarks.control.contenders import CONTENDERS, ORACLE, OURS, STATIC
from benchmarks.control.contention import Contended
from benchmarks.control.modes import Served
from benchmarks.control.paper import FIGURE_6, FIGURE_6_CELL, SHORT_TOKENS, Figure6, Reproduced
from benchmarks.control.retention import Retained
from benchmarks.control.scenarios import SCENARIOS
from benchmarks.core.paper import SHORT
from benchmarks.pages import rendered, svg_of

TEMPLATE = Path(__file__).with_name("page.md.jinja")
NAMES = [scenario.name for scenario in SCENARIOS]
FLAT = NAMES[:2]
COLOURS = ("#777777", "#4878a8", "#8e6bb0", "#b5651d", "#c2a83e", "#2e7d32", "#b0b0b0")


@dataclass(frozen=True)
class Found:
    """All that was played, and where.

    Attributes:
        paper: The paper's cells.
        figure_6: The paper's Figure 6.
        runs: Every law at every setting in every scenario.
        bandwidths: Every way of loading on every bandwidth.
        replicas: More replicas on a slow claim.
        contended: Every setting of the knobs where two deployments share a claim.
        retained: Every law for what leaves a claim that is too small.
        calibrated: Cells of the real engine beside the simulator's.
        hour: Seconds of one core that the whole trace took on 8 replicas.
        hour_requests: How many requests that was.
        minutes: Of a scenario; ways of loading take half as long.
        cold_start: Seconds until a new replica is ready.
        machine: Where.
        command: How.
        trace: Name of the trace's file.
        seconds: That all of it took.
    """

    paper: Sequence[Reproduced]
    figure_6: Figure6
    runs: Sequence[Run]
    bandwidths: Sequence[Served]
    replicas: Sequence[Served]
    contended: Sequence[Contended]
    retained: Sequence[Retained]
    calibrated: Sequence[Compared]
    hour: float
    hour_requests: int
    minutes: float
    cold_start: float
    machine: str
    command: str
    trace: str
    seconds: float

    def figures(self) -> dict[str, float | None]:
        """The figures that are watched: None where a law reaches the attainment at none of its settings."""
        hours = all_hours(self.runs, NAMES)
        rivals = [value for name, value in hours.items() if name not in (OURS, ORACLE, STATIC) and value]
        ours = hours[OURS]
        return {
            "replica_hours_vs_best_baseline_at_95": _over(ours, min(rivals, default=None)),
            "replica_hours_vs_static": _over(ours, hours[STATIC]),
            "replica_hours_vs_oracle_flat": self._over_oracle(FLAT),
            "replica_hours_vs_oracle_diurnal": self._over_oracle(["day"]),
            "paper_max_cell_error": max(self.figure_6.error, *(one.error for one in self.paper)),
            "trace_hour_seconds": self.hour,
            **contention.figures(self.contended),
            "retention_ttft_vs_lru": retention.over_lru(self.retained)[retention.WORKLOADS[0].name],
            "calibration_max_error": max(calibration.errors(self.calibrated).values()),
        }

    def _over_oracle(self, scenarios: Sequence[str]) -> float | None:
        """The geometric mean over scenarios, each by itself at the attainment."""
        ratios = []
        for name in scenarios:
            hours = all_hours(self.runs, [name])
            ratio = _over(hours[OURS], hours[ORACLE])
            if ratio is None:
                return None
            ratios.append(ratio)
        return geometric_mean(ratios)


def _over(ours: float | None, other: float | None) -> float | None:
    return None if ours is None or other is None else ours / other


def write(found: Found, folder: Path) -> None:
    """Write the page, its figures and its plots."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": found.machine,
        "command": found.command,
        "trace": found.trace,
        "seconds": round(found.seconds, 1),
        "minutes": found.minutes,
        "cold_start_seconds": found.cold_start,
        **{name: None if value is None else round(value, 3) for name, value in found.figures().items()},
        "paper": [
            {**asdict(one.cell), "paper_algorithm": _rounded(one.paper_algorithm), "ours": _rounded(one.ours)}
            for one in found.paper
        ],
        "figure_6": asdict(found.figure_6),
        "runs": [asdict(run) for run in found.runs],
        "bandwidths": [asdict(one) for one in found.bandwidths],
        "replicas": [asdict(one) for one in found.replicas],
        "calibrated": [asdict(one) for one in found.calibrated],
        "retained": [asdict(one) for one in found.retained],
        "contended": [asdict(one) for one in found.contended],
    }
    (folder / "control.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "control.svg").write_text(_plot(found))
    (folder / "control-knobs.svg").write_text(knobs.plot(found.contended))
    (folder / "control.md").write_text(page(found))


def page(found: Found) -> str:
    """The page, in Markdown."""
    text = rendered(
        TEMPLATE,
        trim_blocks=True,
        found=found,
        figures=found.figures(),
        at=AT,
        objective=OBJECTIVE,
        profile=PROFILE,
        scenarios=NAMES,
        minutes=found.minutes,
        contenders=CONTENDERS,
        contention=contention,
        retention=retention,
        paper_figure_6=FIGURE_6,
        figure_6_cell=FIGURE_6_CELL.what,
        short=SHORT,
        short_tokens=SHORT_TOKENS,
        errors=calibration.errors(found.calibrated),
        over_lru=retention.over_lru(found.retained),
        over_default=contention.versus(found.contended, contention.default),
        over_best=contention.versus(found.contended, contention.best_fixed),
        standings={one.name: standings(found.runs, one.name, NAMES) for one in CONTENDERS},
        hours={one.name: all_hours_of(found, one.name) for one in CONTENDERS},
        turns={
            one.name: max(r.turns for r in found.runs if r.contender == one.name and r.scenario in FLAT)
            for one in CONTENDERS
        },
    )
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def all_hours_of(found: Found, contender: str) -> dict[str, float | None]:
    """By scenario and for all of them at one setting: replica-hours at the attainment."""
    by_scenario = {name: hours_at(standings(found.runs, contender, [name])) for name in NAMES}
    return {**by_scenario, "all": hours_at(standings(found.runs, contender, NAMES))}


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [round(value, 3) for value in pair]


def _plot(found: Found) -> str:
    """Mean attainment over replica-hours, a line a law, a point a setting."""
    with rc_context({"svg.hashsalt": "control", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for contender, colour in zip(CONTENDERS, COLOURS, strict=True):
            points = standings(found.runs, contender.name, NAMES)
            hours, attained = [one.replica_hours for one in points], [100 * one.attainment for one in points]
            axes.plot(hours, attained, "o-", color=colour, markersize=4, linewidth=1, label=contender.name)
        axes.axhline(100 * AT, color="#b71c1c", linewidth=0.8)
        axes.set_xlabel("replica-hours, all scenarios")
        axes.set_ylabel("mean attainment (%)")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        return svg_of(figure)
