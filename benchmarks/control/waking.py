"""Scale to zero: what a fleet that sleeps saves, and how long whoever wakes it waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import inf
from pathlib import Path

from benchmarks.control.comparing import AT, COLD_STARTS, setup
from benchmarks.control.contenders import operators_own
from benchmarks.control.plays import Plays
from benchmarks.control.scenarios import Scenario
from cake_simulator.ended import Ended
from cake_simulator.simulation import simulate

BURSTS = Scenario("bursts", lambda part: 0.15 if part < 0.15 or 0.7 <= part < 0.85 else 0.0, 3.0)
"""Two bursts, and a silence between them that is longer than the window for fewer replicas."""
AGAIN = 0.7


@dataclass(frozen=True)
class Woken:
    """One run.

    Attributes:
        fewest: Replicas that may run at least.
        cold_start: Seconds until a new replica is ready.
        replica_hours: Of all pods.
        attainment: Share of the requests that got what they were promised.
        first_token: Seconds until the first request after the silence had its first token.
        waited: Requests whose first token came later than a start takes.
    """

    fewest: int
    cold_start: float
    replica_hours: float
    attainment: float
    first_token: float
    waited: int


def played(plays: Plays, path: Path, unit: float) -> list[Woken]:
    """A fleet that keeps one pod and one that sleeps, with starts of several lengths."""
    chosen = [(1, COLD_STARTS[-2]), *product([0], COLD_STARTS)]
    return plays.all(_play, [(path, unit, fewest, cold_start) for fewest, cold_start in chosen])


def _play(chosen: tuple[Path, float, int, float]) -> Woken:
    path, unit, fewest, cold_start = chosen
    scenario, ended = replace(BURSTS, unit=unit), list[Ended]()
    percentile = round(100 * AT)
    made = replace(setup(scenario.rate(0.0), cold_start, 0, ()), fewest=fewest, ttft_percentile=percentile)
    asked = scenario.requests(path, 0)
    found = simulate(made, asked, operators_own(made, percentile, fewest), ended.append)
    again = [one for one in ended if one.request.arrival >= AGAIN * scenario.seconds]
    first = min(again, key=lambda one: one.request.arrival, default=None)
    waited = sum((one.ttft or inf) > cold_start for one in again)
    first_token = inf if first is None or first.ttft is None else first.ttft
    return Woken(fewest, cold_start, found.replica_hours, found.tally.attainment or 0.0, first_token, waited)
