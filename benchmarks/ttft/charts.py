"""The page's charts, as SVG text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.ttft.findings import CellFinding
from benchmarks.ttft.grid import Contender, Group

SIZE = (4.6, 3.2)
COLOURS = {
    Contender.COMPUTE_ONLY: "#b5651d",
    Contender.LOAD_ONLY: "#4878a8",
    Contender.ADAPTIVE: "#2e7d32",
    Contender.VLLM_TIERING: "#8e6bb0",
}


def by_ratio(cells: Sequence[CellFinding], groups: Sequence[Group]) -> str:
    """Draw TTFT over load/compute, a panel a group: the modes, and the oracle as a dashed line."""
    columns = min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(SIZE[0] * columns, SIZE[1] * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, group in zip(panels, groups, strict=False):
        _panel(axes, sorted((c for c in cells if c.cell.group == group), key=lambda c: c.ratio), group)
    for axes in list(panels)[len(groups) :]:
        axes.set_visible(False)
    return _svg(figure)


def over_oracle(cells: Sequence[CellFinding]) -> str:
    """Draw every Adaptive play's TTFT over the oracle, by load/compute, and the goal."""
    figure = Figure(figsize=(SIZE[0] * 2, SIZE[1]), layout="constrained")
    axes = figure.subplots()
    for situation in dict.fromkeys(finding.cell.situation for finding in cells):
        points = [(f.ratio, share) for f in cells if f.cell.situation is situation for share in f.over_oracle]
        axes.scatter([x for x, _ in points], [y for _, y in points], s=16, alpha=0.7, label=situation)
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.axhline(1.15, color="grey", linewidth=0.8, linestyle=":")
    axes.set_ylabel("TTFT over the oracle")
    _ratio_axis(axes)
    axes.legend(fontsize=8)
    return _svg(figure)


def _panel(axes: Axes, cells: Sequence[CellFinding], group: Group) -> None:
    for contender, colour in COLOURS.items():
        for share in dict.fromkeys(finding.cell.prefetch_share for finding in cells):
            own = [f for f in cells if contender in f.ttft and f.cell.prefetch_share == share]
            if own:
                style = "--o" if share == 0 else "-o"
                label = contender.value if share is None else f"{contender}, prefetch {'on' if share else 'off'}"
                axes.plot(
                    [f.ratio for f in own], [f.ttft[contender] for f in own], style, color=colour, label=label, ms=3
                )
    axes.plot([f.ratio for f in cells], [f.oracle for f in cells], ":", color="black", label="oracle")
    axes.set_title(f"{group.situation}, {group.tokens} tokens", fontsize=9)
    axes.set_ylabel("TTFT, s")
    axes.set_ylim(bottom=0)
    _ratio_axis(axes)
    axes.legend(fontsize=6)


def _ratio_axis(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("load / compute")
    axes.spines[["top", "right"]].set_visible(False)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "cake"}):  # the same figures give the same file
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
