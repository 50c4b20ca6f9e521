"""Which burn rates of an error budget are told of, over which windows.

After "Alerting on SLOs", chapter 5 of the Site Reliability Workbook (Google, 2018), table 5-8: a burn rate is how many
times faster than planned the budget is being spent. It must hold over a long window, so that it matters, and over one
of a twelfth, so that the alert ends soon after the trouble does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MINUTE", "BurnRate", "burn_rates", "length"]

MINUTE: Final = 60.0
MONTH: Final = 30 * 86400.0
"""The window that the workbook's table is for, in seconds."""

# A window of the shortest kind holds two minutes at least: what one minute alone says is no trend.
LEAST_SCALE: Final = 0.4


@dataclass(frozen=True, slots=True)
class BurnRate:
    """One row of the table.

    Attributes:
        factor: Times faster than what would spend the budget exactly within its window.
        long_minutes: Over which it must hold.
        short_minutes: Over which it must hold, too.
        severity: critical wakes somebody, warning is looked at by day.
    """

    factor: float
    long_minutes: int
    short_minutes: int
    severity: str


TABLE: Final = (
    BurnRate(14.4, 60, 5, "critical"),
    BurnRate(6, 6 * 60, 30, "critical"),
    BurnRate(3, 24 * 60, 2 * 60, "warning"),
    BurnRate(1, 3 * 24 * 60, 6 * 60, "warning"),
)
"""For a budget over 30 days: the first row is 2% of it in an hour, the last 10% in three days."""


def burn_rates(window_seconds: float, budget: float) -> list[BurnRate]:
    """The rows that make sense for a budget.

    The windows grow and shrink with that of the objective, so that a row stands for the same part of the budget, but
    not below the resolution of a minute. A row is left out where its long window exceeds that of the objective, and
    where even missing the targets all the time would not burn so fast.

    Args:
        window_seconds: Over which the objective is judged.
        budget: Share of it in which the targets may be missed, 0 to 1.
    """
    scale = max(window_seconds / MONTH, LEAST_SCALE)
    scaled = (
        BurnRate(row.factor, round(row.long_minutes * scale), round(row.short_minutes * scale), row.severity)
        for row in TABLE
    )
    return [row for row in scaled if row.factor * budget < 1 and row.long_minutes * MINUTE <= window_seconds]


def length(minutes: int) -> str:
    """Minutes as PromQL and people write them.

    >>> length(5), length(90), length(1728), length(4320)
    ('5m', '1h30m', '1d4h48m', '3d')
    """
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    return "".join(f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (left, "m")) if number)
