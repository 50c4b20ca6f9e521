"""The report's charts as SVG text."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demo.measure import ModeRun
from demo.narration import Moment
from demo.prometheus import Series

WIDE = (10.0, 2.6)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that the charts over time show, in seconds since the epoch."""

    start: float
    end: float


def ttft_by_mode(runs: Sequence[ModeRun]) -> str:
    """Draw every request's time to the first token, a column a mode, with the median and the 90th percentile."""

    def draw(axes: Axes) -> None:
        for place, run in enumerate(runs):
            spread = [place + 0.25 * (n / max(1, len(run.ttfts) - 1) - 0.5) for n in range(len(run.ttfts))]
            axes.scatter(spread, run.ttfts, s=18, alpha=0.6)
            for percentile, width in ((50, 1.5), (90, 0.7)):
                axes.hlines(run.ttft(percentile), place - 0.35, place + 0.35, colors="black", linewidths=width)
        labels = [f"{run.mode}\np50 {run.ttft(50):.2f} s, p90 {run.ttft(90):.2f} s" for run in runs]
        axes.set_xticks(range(len(runs)), labels)
        axes.set_xlim(-0.6, len(runs) - 0.4)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("TTFT, s")

    return _svg(draw, (7.0, 3.6))


def over_time(
    series: Sequence[Series], span: Span, moments: Sequence[Moment], *, label: Callable[[Series], str], unit: str
) -> str:
    """Draw lines over time; thin verticals are the moments."""

    def draw(axes: Axes) -> None:
        for line in series:
            if line.points:
                axes.step(
                    [at - span.start for at, _ in line.points],
                    [value for _, value in line.points],
                    where="post",
                    label=label(line),
                )
        for number, moment in enumerate(moments, 1):
            axes.axvline(moment.at - span.start, color="grey", linewidth=0.5)
            axes.annotate(str(number), (moment.at - span.start, 1.0), xycoords=("data", "axes fraction"), fontsize=7)
        axes.set_xlim(0, span.end - span.start)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("seconds")
        axes.set_ylabel(unit)
        if any(line.points for line in series):
            axes.legend(fontsize=8, loc="upper left")

    return _svg(draw, WIDE)


def _svg(draw: Callable[[Axes], None], size: tuple[float, float]) -> str:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
