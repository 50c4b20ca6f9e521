"""idle.json and idle.md: the figures, and whether they are as small as they should be."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.idle.soak import Held
from benchmarks.idle.steps import Steps
from benchmarks.pages import rendered

TEMPLATE = Path(__file__).with_name("page.md.jinja")
LARGEST_SHARE = 0.01
LARGEST_GROWTH = 0.01


@dataclass(frozen=True)
class Run:
    """All that was measured, and where."""

    steps: Sequence[Steps]
    soak: Sequence[Held]
    machine: str
    command: str
    date: str

    @property
    def share(self) -> float:
        """Of a step without a plan, what is Cake's, at worst."""
        return max(one.share for one in self.steps)

    @property
    def growth(self) -> float:
        """By what share the memory has grown since half of the requests: caches are full by then."""
        half, end = self.soak[len(self.soak) // 2 - 1], self.soak[-1]
        return end.resident / half.resident - 1

    @property
    def held(self) -> int:
        """Objects of requests that ended, at the most."""
        return max(look.objects for look in self.soak)

    def missed(self) -> list[str]:
        """The goals that are missed, with their figures."""
        found = [
            (
                self.share <= LARGEST_SHARE,
                f"{self.share:.2%} of a step is Cake's, and it should be {LARGEST_SHARE:.0%}",
            ),
            (self.growth <= LARGEST_GROWTH, f"memory grew by {self.growth:.1%} over the second half of the requests"),
            (self.held == 0, f"{self.held} objects of ended requests are still held"),
        ]
        return [said for met, said in found if not met]


def write(run: Run, folder: Path) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "idle.json").write_text(json.dumps(_document(run), indent=1) + "\n")
    (folder / "idle.md").write_text(page(run))


def page(run: Run) -> str:
    """The page, in Markdown."""
    return rendered(TEMPLATE, run=run)


def _document(run: Run) -> dict[str, object]:
    return {
        "machine": run.machine,
        "command": run.command,
        "date": run.date,
        "cake_share_of_step": round(run.share, 5),
        "memory_growth": round(run.growth, 4),
        "held_objects": run.held,
        "steps": [dataclasses.asdict(one) for one in run.steps],
        "soak": [dataclasses.asdict(look) for look in run.soak],
    }
