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
        seconds: How long it is.
        lost_at: Parts at which a pod dies.
    """

    name: str
    course: Callable[[float], float]
    seconds: float = 1200.0
    lost_at: tuple[float, ...] = ()

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


SCENARIOS = (
    Scenario("flat, low", _flat(0.15)),
    Scenario("flat, high", _flat(0.45)),
    Scenario("step x3", lambda part: 0.15 if part < 1 / 3 else 0.45),
    Scenario("short spike x3", lambda part: 0.6 if 0.4 <= part < 0.45 else 0.2),
    Scenario("ramp", lambda part: 0.1 + 0.4 * part),
    Scenario("day", lambda part: 0.1 + 0.2 * (1 - cos(2 * pi * part))),
    Scenario("up and down", lambda part: 0.15 if int(4 * part) % 2 == 0 else 0.45),
    Scenario("a pod is lost", _flat(0.3), lost_at=(1 / 3,)),
)
