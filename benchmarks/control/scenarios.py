"""Traffic over time: the same recorded conversations, more or fewer of them as the moment wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

from cake_simulator import trace
from cake_simulator.trace import Request


@dataclass(frozen=True)
class Scenario:
    """Traffic of some length.

    Attributes:
        name: In words.
        course: The rate, times the trace's, by the part of the scenario that has passed, 0 to 1.
        length: How long it is, in units of the comparison's length: what moves slowly needs longer to be slow beside
            a cold start, and what is flat at a high rate has enough requests in a shorter time.
        unit: Seconds of that unit.
        lost_at: Parts at which a pod dies.
    """

    name: str
    course: Callable[[float], float]
    length: float = 1.0
    unit: float = 600.0
    lost_at: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.length * self.unit

    def rate(self, at: float) -> float:
        """The rate at a moment."""
        return self.course(min(1.0, at / self.seconds))

    @property
    def losses(self) -> tuple[float, ...]:
        """Moments at which a pod dies."""
        return tuple(part * self.seconds for part in self.lost_at)

    def requests(self, path: Path, seed: int) -> Iterator[Request]:
        """The requests, in order."""
        return trace.scaled(trace.repeated(path, self.seconds, seed), self.rate, seed=seed)


def _flat(rate: float) -> Callable[[float], float]:
    return lambda _: rate


FLAT = (
    Scenario("flat 1", _flat(0.05), 1.5),
    Scenario("flat 3", _flat(0.2)),
    Scenario("flat 6", _flat(0.6), 0.8),
    Scenario("flat 12", _flat(1.4), 0.5),
)
"""By about how many replicas they need."""
STEP = Scenario("step x3", lambda part: 0.15 if part < 1 / 3 else 0.45)
SPIKE = Scenario("spike x3 of 60 s", lambda part: 0.6 if 0.4 <= part < 0.5 else 0.2)
DAY = Scenario("day", lambda part: 0.1 + 0.2 * (1 - cos(2 * pi * part)), 2.5)
UP_AND_DOWN = Scenario("up and down", lambda part: 0.15 if int(4 * part) % 2 == 0 else 0.45, 1.6)
SCENARIOS = (
    *FLAT,
    STEP,
    SPIKE,
    Scenario("ramp", lambda part: 0.1 + 0.4 * part),
    DAY,
    UP_AND_DOWN,
    Scenario("a pod is lost", _flat(0.3), 0.8, lost_at=(1 / 3,)),
)
MOVING = (STEP, SPIKE, DAY, UP_AND_DOWN)
"""In which it matters how long a start takes."""
