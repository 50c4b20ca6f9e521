"""Traffic over time: the same recorded conversations, more or fewer of them as the moment wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

from cake_simulator import trace
from cake_simulator.trace import Request

SECONDS = 1200.0
"""Of one scenario."""


@dataclass(frozen=True)
class Scenario:
    """Traffic.

    Attributes:
        name: In words.
        rate: Of a moment, times the trace's.
        losses: Moments at which a pod dies.
    """

    name: str
    rate: Callable[[float], float]
    losses: tuple[float, ...] = ()

    def requests(self, path: Path, seed: int) -> Iterator[Request]:
        """The requests, in order."""
        return trace.scaled(trace.repeated(path, SECONDS, seed), self.rate, seed=seed)


def _flat(rate: float) -> Callable[[float], float]:
    return lambda _: rate


SCENARIOS = (
    Scenario("flat, low", _flat(0.15)),
    Scenario("flat, high", _flat(0.45)),
    Scenario("step x3", lambda at: 0.15 if at < 400 else 0.45),
    Scenario("60 s spike x3", lambda at: 0.6 if 500 <= at < 560 else 0.2),
    Scenario("ramp", lambda at: 0.1 + 0.4 * at / SECONDS),
    Scenario("day", lambda at: 0.1 + 0.2 * (1 - cos(2 * pi * at / SECONDS))),
    Scenario("up and down", lambda at: 0.15 if int(at / 300) % 2 == 0 else 0.45),
    Scenario("a pod is lost", _flat(0.3), losses=(400.0,)),
)
