"""claim.json and claim.md: times to the first token by setting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.claim.play import BUSY, IDLE, Asked
from benchmarks.claim.settings import DEFAULT, OURS, SETTINGS
from benchmarks.goals import Goal, rounded
from benchmarks.pages import rendered

TEMPLATE = Path(__file__).with_name("page.md.jinja")
GOALS = (
    Goal(
        "claim_ttft_p90_vs_default", "TTFT p90 of stored prompts, ours over the default", "<= 0.8", lambda v: v <= 0.8
    ),
    Goal(
        "claim_ttft_p90_vs_best_fixed",
        "TTFT p90 of stored prompts, ours over the best fixed setting",
        "<= 1.05",
        lambda v: v <= 1.05,
    ),
)


@dataclass(frozen=True)
class Row:
    """A setting over all rounds, in seconds.

    Attributes:
        setting: Its name.
        stored: Percentiles 50 and 90 of prompts on the claim, of both deployments.
        busy: The same of the busy one's.
        idle: The same of the idle one's.
        new: The same of new prompts.
        written: Mebibytes that the busy one wrote.
        requests: That were counted.
    """

    setting: str
    stored: tuple[float, float]
    busy: tuple[float, float]
    idle: tuple[float, float]
    new: tuple[float, float]
    written: float
    requests: int


@dataclass(frozen=True)
class Run:
    """All that was measured, and where.

    Attributes:
        asked: Every request.
        written: By setting, bytes that the busy one wrote to the claim.
        turned: Reasons of the tuner's changes.
        needed: Share of a processor that the claim's file server takes where it may take all of one.
        short: Part of it that it gets.
    """

    asked: Sequence[Asked]
    written: Mapping[str, float]
    turned: Sequence[str]
    rounds: int
    seconds: float
    needed: float
    short: float
    machine: str
    command: str
    date: str

    @property
    def rows(self) -> list[Row]:
        """One a setting."""
        return [self._row(setting) for setting in SETTINGS]

    def _row(self, setting: str) -> Row:
        mine = [one for one in self.asked if one.setting == setting]
        stored = [one for one in mine if one.stored]
        return Row(
            setting,
            _percentiles(stored),
            _percentiles([one for one in stored if one.deployment == BUSY]),
            _percentiles([one for one in stored if one.deployment == IDLE]),
            _percentiles([one for one in mine if not one.stored]),
            self.written.get(setting, 0.0) / 2**20,
            len(mine),
        )


def _percentiles(asked: Sequence[Asked]) -> tuple[float, float]:
    low, high = np.percentile([one.seconds for one in asked], (50, 90))
    return float(low), float(high)


def figures(run: Run) -> dict[str, float]:
    """Of ours, over others."""
    p90 = {row.setting: row.stored[1] for row in run.rows}
    ours = p90.pop(OURS)
    return {
        "claim_ttft_p90_vs_default": ours / p90[DEFAULT],
        "claim_ttft_p90_vs_best_fixed": ours / min(p90.values()),
    }


def page(run: Run) -> str:
    """The page, in Markdown."""
    found = figures(run)
    return rendered(TEMPLATE, run=run, goals=[(goal, found[goal.figure]) for goal in GOALS])


def write(run: Run, folder: Path) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": run.machine,
        "command": run.command,
        "date": run.date,
        **rounded(figures(run)),
        "rounds": run.rounds,
        "seconds": run.seconds,
        **rounded({"needed_processor_share": run.needed, "given_processor_share": run.short * run.needed}),
        "turned": list(run.turned),
        "settings": [
            {"setting": row.setting, **rounded({"written_mib": row.written, "requests": row.requests})}
            | {
                name: rounded({"p50": low, "p90": high})
                for name, (low, high) in {
                    "stored": row.stored,
                    "busy": row.busy,
                    "idle": row.idle,
                    "new": row.new,
                }.items()
            }
            for row in run.rows
        ],
    }
    (folder / "claim.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "claim.md").write_text(page(run))
