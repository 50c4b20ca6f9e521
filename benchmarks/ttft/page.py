"""docs/benchmarks/ttft.md and the tables on the terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.pages import rendered
from benchmarks.ttft.findings import CellFinding
from benchmarks.ttft.grid import Contender

if TYPE_CHECKING:
    from benchmarks.ttft.report import Found

TEMPLATE = Path(__file__).with_name("page.md.jinja")


@dataclass(frozen=True)
class Goal:
    """One goal, and what was measured."""

    words: str
    figure: float | None
    bound: float
    at_most: bool

    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        if self.figure is None:
            return None
        return self.figure <= self.bound if self.at_most else self.figure >= self.bound


def goals(found: Found) -> list[Goal]:
    """The goals of the benchmark."""
    all_cells, decoding = found.summary, found.gaps
    return [
        Goal("TTFT over the oracle, geometric mean", all_cells.geomean_vs_oracle, 1.08, at_most=True),
        Goal("TTFT over the oracle, 95th percentile of the plays", all_cells.p95_vs_oracle, 1.15, at_most=True),
        Goal("better single over Adaptive, worst cell", all_cells.worst_vs_better, 0.97, at_most=False),
        Goal(
            "better single over Adaptive, geometric mean for load/compute 0.5 to 2",
            all_cells.geomean_vs_better_near_balance,
            1.7,
            at_most=False,
        ),
        Goal("meeting point predicted within one chunk", all_cells.meeting_within_one_chunk, 0.95, at_most=False),
        Goal("wrong tokens", all_cells.wrong_tokens, 0, at_most=True),
        Goal(
            "p99 between tokens of decoding requests, Adaptive over ComputeOnly",
            decoding.adaptive_over_compute if decoding else None,
            1.1,
            at_most=True,
        ),
        Goal(
            "p99 between tokens of decoding requests, while loading over before",
            decoding.loading_over_quiet if decoding else None,
            1.1,
            at_most=True,
        ),
    ]


def missed(finding: CellFinding) -> bool:
    """Whether a cell is outside what the goals ask of single cells."""
    return finding.vs_oracle > 1.15 or finding.vs_better < 0.97


def markdown(found: Found) -> str:
    """The page."""
    misses = [finding for finding in found.cells if missed(finding)]
    within = found.summary.meeting_within_one_block
    return rendered(
        TEMPLATE,
        date=f"{found.date:%Y-%m-%d}",
        machine=found.machine,
        command=found.command,
        repeats=found.repeats,
        lmcache="it is in this environment, and not played yet" if found.lmcache else "not in this environment",
        goals=_markdown_table(("goal", "bound", "measured", ""), [_goal_row(goal) for goal in goals(found)]),
        block=found.block_tokens,
        within_block="nothing was predicted" if within is None else f"{within:.0%}",
        cells=_markdown_table(CELL_COLUMNS, [_cell_row(finding) for finding in found.cells]),
        misses=_markdown_table(LOSS_COLUMNS, [_loss_row(finding) for finding in misses]) if misses else "None is.",
        decoding=_decoding(found),
        profiles=_markdown_table(PROFILE_COLUMNS, [_profile_row(finding) for finding in found.cells]),
    )


def table(found: Found) -> Table:
    """The cells, for a terminal."""
    rich = Table(title=f"Time to the first token, on {found.machine}", title_justify="left")
    for column in CELL_COLUMNS:
        rich.add_column(column, justify="left" if column == "cell" else "right")
    for finding in found.cells:
        rich.add_row(*_cell_row(finding), style="yellow" if missed(finding) else None)
    return rich


def goals_table(found: Found) -> Table:
    """The goals, for a terminal."""
    rich = Table("goal", "bound", "measured", "")
    for goal in goals(found):
        rich.add_row(*_goal_row(goal), style=None if goal.met is None or goal.met else "yellow")
    return rich


CELL_COLUMNS = (
    "cell",
    "load/compute",
    *(contender.value for contender in Contender),
    "oracle",
    "vs oracle",
    "vs better",
    "possible",
    "meeting",
)
LOSS_COLUMNS = (
    *("cell", "vs oracle", "vs better", "over the oracle, s", "meeting point", "compute", "loads", "last step"),
    "largest part",
)
PROFILE_COLUMNS = ("cell", "duplicated", "stalled, s", "read rate", "steps predicted", "plays over the oracle")


def _goal_row(goal: Goal) -> tuple[str, str, str, str]:
    bound = f"{'<=' if goal.at_most else '>='} {goal.bound:g}"
    verdict = {True: "met", False: "missed", None: "not measured"}[goal.met]
    return goal.words, bound, _number(goal.figure, "{:.3g}"), verdict


def _cell_row(finding: CellFinding) -> tuple[str, ...]:
    meeting = (finding.best_meeting, finding.predicted, finding.actual)
    return (
        finding.cell.name,
        f"{finding.ratio:.2f}",
        *(_number(finding.ttft.get(contender), "{:.2f}") for contender in Contender),
        f"{finding.oracle:.2f}",
        f"{finding.vs_oracle:.2f}",
        f"{finding.vs_better:.2f}",
        f"{finding.possible:.2f}",
        " ".join(_number(fraction, "{:.2f}") for fraction in meeting),
    )


def _loss_row(finding: CellFinding) -> tuple[str, ...]:
    first = (finding.cell.name, f"{finding.vs_oracle:.2f}", f"{finding.vs_better:.2f}")
    over = f"{finding.adaptive - finding.oracle:.2f}"
    if finding.loss is None:
        return (*first, over, "-", "-", "-", "-", "several requests share both ends")
    loss = finding.loss
    parts = (f"{part:.2f}" for part in (loss.split, loss.compute, loss.loads, loss.last_step))
    return (*first, over, *parts, loss.cause)


def _profile_row(finding: CellFinding) -> tuple[str, ...]:
    return (
        finding.cell.name,
        f"{finding.duplicated:.0%}",
        f"{finding.stalled:.2f}",
        _number(finding.read_rate, "{:.2f}"),
        _number(finding.step_error, "{:+.0%}"),
        " ".join(f"{share:.2f}" for share in sorted(finding.over_oracle)),
    )


def _decoding(found: Found) -> str:
    if found.gaps is None:
        return "Not measured."
    milliseconds: Callable[[float | None], str] = lambda s: "-" if s is None else f"{s * 1000:.0f} ms"  # noqa: E731
    rows = [("before the request with a stored prefix arrives", milliseconds(found.gaps.quiet))]
    rows.append(("while its prefix is loaded and nothing of it is computed", milliseconds(found.gaps.loading)))
    rows += [
        (f"from its arrival to its first token, {contender}", milliseconds(seconds))
        for contender, seconds in found.gaps.by_contender.items()
    ]
    return _markdown_table(("99th percentile between two tokens", ""), rows)


def _number(figure: float | None, form: str) -> str:
    return "-" if figure is None else form.format(figure)


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
