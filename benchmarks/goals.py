"""What is asked of figures, and how figures are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

SIGNIFICANT = 4


@dataclass(frozen=True)
class Goal:
    """What is asked of one figure.

    Attributes:
        figure: Its name in the benchmark's JSON.
        meaning: In words.
        text: The goal as the page says it.
        met: Whether a value is good enough.
        broken: Whether missing it is a fault of what was measured, on any machine, rather than slowness.
    """

    figure: str
    meaning: str
    text: str
    met: Callable[[float], bool]
    broken: bool = False


def verdicts(goals: Sequence[Goal], found: Mapping[str, float]) -> Iterator[str]:
    """A line for each goal whose figure was measured; it ends with MISSED where that is so."""
    for goal in goals:
        if goal.figure in found:
            verdict = "" if goal.met(found[goal.figure]) else "  MISSED"
            yield f"{goal.meaning}: {number(found[goal.figure])} (goal {goal.text}){verdict}"


def number(value: float) -> str:
    """A figure for people."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures for JSON: what is beyond four digits is noise."""
    return {name: float(f"{value:.{SIGNIFICANT}g}") for name, value in figures.items()}
