"""docs/benchmarks/control.json, control.md and its drawings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.control import calibration, contention, knobs, retention
from benchmarks.control.calibration import Compared
from benchmarks.control.comparing import AT, OBJECTIVE, PROFILE, SHORTENED
from benchmarks.control.contention import Contended
from benchmarks.control.modes import Served
from benchmarks.control.paper import FIGURE_6, FIGURE_6_CELL, SHORT_TOKENS, Figure6, Reproduced
from benchmarks.control.retention import Retained
from benchmarks.control.scaled import Scaled
from benchmarks.control.scenarios import MOVING, SCENARIOS
from benchmarks.control.waking import Woken
from benchmarks.core.paper import SHORT
from benchmarks.pages import rendered

TEMPLATE = Path(__file__).with_name("page.md.jinja")


@dataclass(frozen=True)
class Found:
    """All that was played, and where.

    Attributes:
        paper: The paper's cells.
        figure_6: The paper's Figure 6.
        scaled: Every law in every scenario.
        woken: Ours where nobody asks for a while.
        bandwidths: Every way of loading on every bandwidth.
        replicas: More replicas on a slow claim.
        contended: Every setting of the knobs where two deployments share a claim.
        retained: Every law for what leaves a claim that is too small.
        calibrated: Cells of the real engine beside the simulator's.
        hour: Seconds of one core that the whole trace took on 8 replicas.
        hour_requests: How many requests that was.
        minutes: Of a scenario of length 1; ways of loading take half as long.
        seeds: How many.
        machine: Where.
        command: How.
        trace: Name of the trace's file.
        seconds: Of one core, that all of it took.
    """

    paper: Sequence[Reproduced]
    figure_6: Figure6
    scaled: Scaled
    woken: Sequence[Woken]
    bandwidths: Sequence[Served]
    replicas: Sequence[Served]
    contended: Sequence[Contended]
    retained: Sequence[Retained]
    calibrated: Sequence[Compared]
    hour: float
    hour_requests: int
    minutes: float
    seeds: int
    machine: str
    command: str
    trace: str
    seconds: float

    def figures(self) -> dict[str, float | None]:
        """The figures that are watched: None where a law reaches the attainment at none of its settings."""
        return {
            **self.scaled.figures(),
            "paper_max_cell_error": max(self.figure_6.error, *(one.error for one in self.paper)),
            "trace_hour_seconds": self.hour,
            **contention.figures(self.contended),
            "retention_ttft_vs_lru": retention.over_lru(self.retained)[retention.WORKLOADS[0].name],
            "calibration_max_error": max(calibration.errors(self.calibrated).values()),
        }


def write(found: Found, folder: Path) -> None:
    """Write the page, its figures and its drawings."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": found.machine,
        "command": found.command,
        "trace": found.trace,
        "seconds": round(found.seconds, 1),
        "minutes": found.minutes,
        "seeds": found.seeds,
        "cold_start_seconds": found.scaled.cold_start,
        **{name: None if value is None else round(value, 3) for name, value in found.figures().items()},
        "paper": [
            {**asdict(one.cell), "paper_algorithm": _rounded(one.paper_algorithm), "ours": _rounded(one.ours)}
            for one in found.paper
        ],
        "figure_6": asdict(found.figure_6),
        **found.scaled.document(),
        "woken": [asdict(one) for one in found.woken],
        "bandwidths": [asdict(one) for one in found.bandwidths],
        "replicas": [asdict(one) for one in found.replicas],
        "calibrated": [asdict(one) for one in found.calibrated],
        "retained": [asdict(one) for one in found.retained],
        "contended": [asdict(one) for one in found.contended],
    }
    (folder / "control.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "control-knobs.svg").write_text(knobs.plot(found.contended))
    (folder / "control.svg").write_text(found.scaled.over_hours())
    (folder / "control-over-time.svg").write_text(found.scaled.over_time())
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
        scenarios=SCENARIOS,
        moving=MOVING,
        shortened=SHORTENED,
        minutes=found.minutes,
        contention=contention,
        retention=retention,
        paper_figure_6=FIGURE_6,
        figure_6_cell=FIGURE_6_CELL.what,
        short=SHORT,
        short_tokens=SHORT_TOKENS,
        errors=calibration.errors(found.calibrated),
        over_lru=retention.over_lru(found.retained),
        over_default=contention.over_default(found.contended),
        over_best=contention.over_best_fixed(found.contended),
    )
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [round(value, 3) for value in pair]
