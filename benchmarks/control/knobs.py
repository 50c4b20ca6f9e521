"""Times to the first token and knobs over time, where two deployments share a claim."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.control.contention import CASES, DEFAULT, MINUTE, OURS, Contended
from benchmarks.pages import svg_of

COLOURS = {OURS: "#2e7d32", DEFAULT: "#777777"}
DEPLOYMENTS = ("#4878a8", "#b5651d")
UNCAPPED = "as much as they like"


def plot(found: Sequence[Contended]) -> str:
    """A column for each case: what requests wait by the minute of their arrival, what a pod may write, what is kept."""
    with rc_context({"svg.hashsalt": "knobs", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 6), layout="constrained")
        rows = figure.subplots(3, len(CASES), sharex="col", sharey="row", squeeze=False)
        for number, case in enumerate(CASES):
            runs = {one.setting: one for one in found if one.case == case and one.setting in COLOURS and not one.seed}
            waits, writes, retention = (row[number] for row in rows)
            waits.set_title(case, fontsize=9)
            retention.set_xlabel("minutes")
            for setting, colour in COLOURS.items():
                course = runs[setting].course
                minutes = [minute + 0.5 for minute, seconds in enumerate(course) if seconds is not None]
                waits.plot(minutes, [seconds for seconds in course if seconds is not None], color=colour, label=setting)
            _knobs(writes, retention, runs[OURS])
        for row, label in zip(rows, ("TTFT p90 (s)", "writes of a pod (MB/s)", "retained from"), strict=True):
            row[0].set_ylabel(label, fontsize=9)
            for axes in row:
                axes.set_ylim(bottom=0)
                axes.grid(alpha=0.3)
        rows[0][0].legend(frameon=False, fontsize=7)
        rows[1][0].legend(frameon=False, fontsize=7, title=f"caps; without a line {UNCAPPED}", title_fontsize=7)
        return svg_of(figure)


def _knobs(writes: Axes, retention: Axes, run: Contended) -> None:
    """The two knobs of both deployments, as steps from the start to the last minute."""
    end = len(run.course)
    for deployment, colour in enumerate(DEPLOYMENTS):
        turned = [one for one in run.knobs if one.deployment == deployment]
        at = [0.0, *(one.at / MINUTE for one in turned), float(end)]
        caps = [float("nan"), *(_megabytes(one.write_bandwidth) for one in turned)]
        kept = [0.0, *(one.retain_from for one in turned)]
        name = f"deployment {deployment + 1}"
        writes.plot(at, [*caps, caps[-1]], color=colour, drawstyle="steps-post", label=name)
        retention.plot(at, [*kept, kept[-1]], color=colour, drawstyle="steps-post", label=name)


def _megabytes(bandwidth: float | None) -> float:
    return float("nan") if bandwidth is None else bandwidth / 1e6
