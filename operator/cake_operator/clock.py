"""The moment by which the operator decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["SteadyClock", "elapsed"]


def elapsed() -> float:
    """Seconds since the machine started, those that it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """The time of day when it was made, and from there the seconds that have passed.

    It does not step when somebody sets the time of day: a step forward would end every stabilisation window at once,
    one back would hold growth and tuning for as long as the step.
    """

    def __init__(
        self, wall: Callable[[], datetime] = lambda: datetime.now(UTC), elapsed: Callable[[], float] = elapsed
    ) -> None:
        """Start it.

        Args:
            wall: The time of day, asked once.
            elapsed: Seconds since any fixed moment.
        """
        self._elapsed = elapsed
        self._start, self._from = wall(), elapsed()

    def __call__(self) -> datetime:
        """This moment, in UTC."""
        return self._start + timedelta(seconds=self._elapsed() - self._from)
