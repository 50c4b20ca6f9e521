"""gpu.json, gpu.md, its plot and the hardware profiles: what was measured, beside the goals and the paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.core.paper import CELLS, PaperCell
from benchmarks.goals import Goal, number, rounded
from benchmarks.gpu.attention import Kernel
from benchmarks.gpu.contest import Contest
from benchmarks.gpu.curves import chunks_of
from benchmarks.gpu.profile import profile
from benchmarks.gpu.shapes import SHAPES
from benchmarks.journal import Figures
from benchmarks.pages import rendered, svg_of

TEMPLATE = Path(__file__).with_name("page.md.jinja")

GOALS = (
    Goal("wrong", "Plays, and timings of loads, whose KV or logits were wrong", "0", lambda v: v == 0, broken=True),
    Goal("identical", "Timings of loads without a bit that differs, steps of one chunk", "1", lambda v: v == 1),
    Goal("over_oracle", "TTFT over the oracle, geometric mean", "<= 1.05", lambda v: v <= 1.05),
    Goal("over_better", "TTFT over the better single resource, worst cell", "<= 1.03", lambda v: v <= 1.03),
    Goal("over_better_gqa", "The same, models with grouped heads", "<= 1.03", lambda v: v <= 1.03),
)
_OURS = {"13B": "llama-2-13b", "Llama-8B": "llama-3.1-8b"}
"""The paper's models whose shapes are measured here; its 70B needs several GPUs."""
_PAPER_TOKENS = 16 * 1024


@dataclass(frozen=True)
class Beside:
    """A cell of the paper, and ours of the same model, length and bandwidth where it was measured."""

    cell: PaperCell
    ours: Figures | None

    @property
    def over_load(self) -> float | None:
        """Our speed-up over loading all."""
        return self.ours["load_seconds"] / self.ours["cake_seconds"] if self.ours else None

    @property
    def over_compute(self) -> float | None:
        """Our speed-up over computing all."""
        return self.ours["compute_seconds"] / self.ours["cake_seconds"] if self.ours else None


@dataclass(frozen=True)
class Run:
    """All that was measured, and where.

    Attributes:
        on_gpu: Whether a GPU was.
        step_tokens: Token budget of a step.
    """

    figures: Mapping[str, Figures]
    machine: str
    command: str
    date: str
    on_gpu: bool
    step_tokens: int

    def of(self, kind: str) -> dict[str, Figures]:
        """The cells of one kind, by the rest of their names."""
        parts = ((name.partition("/"), figures) for name, figures in self.figures.items())
        return {rest: figures for (first, _, rest), figures in parts if first == kind}

    def summary(self) -> Figures:
        """One value for each goal; a goal whose cells were not measured has none."""
        found: Figures = {}
        exact, cells = self.of("exact"), self.of("ttft")
        if exact or cells:
            trials = sum(one["aligned_wrong"] + one["ragged_wrong"] for one in exact.values())
            found["wrong"] = trials + sum(one["wrong"] for one in cells.values())
        if exact:
            found["identical"] = min(one["aligned_identical"] for one in exact.values())
        if cells:
            found["over_oracle"] = geometric_mean([one["over_oracle"] for one in cells.values()])
            found["over_better"] = max(one["over_better"] for one in cells.values())
        grouped = [one["over_better"] for name, one in cells.items() if _grouped(name)]
        return found | ({"over_better_gqa": max(grouped)} if grouped else {})

    def broken(self) -> list[str]:
        """The goals that no machine excuses, and that are missed."""
        found = self.summary()
        return [g.meaning for g in GOALS if g.broken and g.figure in found and not g.met(found[g.figure])]

    def paper(self) -> list[Beside]:
        """Tables 3 and 5, cell by cell."""
        return [Beside(cell, self._ours(cell)) for cell in CELLS if cell.where in ("Table 3", "Table 5")]

    def profiles(self) -> dict[str, str]:
        """A hardware profile for each model whose steps and copies were measured."""
        curves, copies = self.of("curve"), self.of("copies")
        return {
            model: profile(model, self.machine, curve, copies[model], self.step_tokens)
            for model, curve in curves.items()
            if model in copies
        }

    def _ours(self, cell: PaperCell) -> Figures | None:
        model = next((name for prefix, name in _OURS.items() if cell.what.startswith(prefix)), "")
        return self.figures.get(Contest(model, _PAPER_TOKENS, cell.gbps).name)


def _grouped(cell: str) -> bool:
    shape = SHAPES[cell.split("/", maxsplit=1)[0]]
    return shape.kv_heads < shape.heads


def write(run: Run, folder: Path) -> list[str]:
    """Write the files; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"gpu.json": json.dumps(_document(run), indent=1) + "\n", "gpu.svg": _plot(run), "gpu.md": page(run)}
    files |= {f"gpu-{model}.yaml": text for model, text in run.profiles().items()}
    for name, content in files.items():
        (folder / name).write_text(content)
    return sorted(files)


def page(run: Run) -> str:
    """The page, in Markdown."""
    found = run.summary()
    goals = [(goal, found[goal.figure]) for goal in GOALS if goal.figure in found]
    kernels = {model: list(Kernel)[int(one["attention_kernel"])] for model, one in run.of("curve").items()}
    return rendered(TEMPLATE, run=run, goals=goals, number=number, kernels=kernels, ms=_milliseconds)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else number(float(f"{1e3 * seconds:.3g}"))


def _document(run: Run) -> dict[str, object]:
    beside = [
        asdict(one.cell) | {"ours_over_load": one.over_load, "ours_over_compute": one.over_compute}
        for one in run.paper()
    ]
    return {
        "machine": run.machine,
        "on_gpu": run.on_gpu,
        "command": run.command,
        "date": run.date,
        **rounded(run.summary()),
        "cells": {name: rounded(figures) for name, figures in run.figures.items()},
        "paper": beside,
    }


def _plot(run: Run) -> str:
    """Chunks over position with their lines, and every cell's TTFT over the oracle by load over compute."""
    with rc_context({"svg.hashsalt": "gpu", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for model, curve in run.of("curve").items():
            chunks = chunks_of(curve)
            (points,) = left.plot(list(chunks), [1e3 * s for s in chunks.values()], ".", markersize=3, label=model)
            ends = [curve["first_chunk_seconds"], curve["last_chunk_seconds"]]
            left.plot([0, curve["last_position"]], [1e3 * s for s in ends], color=points.get_color(), linewidth=0.8)
        left.set_xlabel("position of the chunk's first token")
        left.set_ylabel("ms a chunk")
        for label, figures in _by_model(run):
            ratios = [one["load_over_compute"] for one in figures]
            right.plot(ratios, [one["over_oracle"] for one in figures], "o", markersize=3, label=label)
        right.axhline(1.05, color="#b71c1c", linewidth=0.8)
        right.set_xscale("log", base=2)
        right.xaxis.set_major_formatter("{x:.2g}")
        right.set_xlabel("load / compute")
        right.set_ylabel("TTFT over the oracle")
        for axes in (left, right):
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=7)
        return svg_of(figure)


def _by_model(run: Run) -> list[tuple[str, Sequence[Figures]]]:
    cells = run.of("ttft")
    models = dict.fromkeys(name.split("/")[0] for name in cells)
    return [(model, [one for name, one in cells.items() if name.split("/")[0] == model]) for model in models]
