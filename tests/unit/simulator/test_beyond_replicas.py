"""A fleet whose objective long prompts cannot meet at any size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cake_operator.observe.snapshot import ABSENT
from cake_simulator.policies.operator import Operator
from cake_simulator.policies.policy import Look
from cake_simulator.result import Result
from cake_simulator.simulation import simulate
from tests.unit.policy.figures import bounds, slo
from tests.unit.simulator.fleets import request, setup


class Blind(Operator):
    """The law, told of no queue: as it was before it asked whether replicas help."""

    def replicas(self, look: Look) -> int:
        return super().replicas(replace(look, snapshot=replace(look.snapshot, mean_waiting=ABSENT)))


def served(law: type[Operator], every: int, target: str) -> Result:
    """Eight minutes of two requests a second; each so many-th takes 3.3 s of prefill, the others 60 ms."""
    made = replace(setup(1), most=32)
    asked = [request(n, n / 2, 16_384 if n % every == 0 else 512) for n in range(960)]
    return simulate(made, asked, law(bounds(1, 32), slo(target)))


def most(result: Result) -> int:
    return max(moment.wanted for moment in result.moments)


def test_replicas_are_added_until_nobody_waits_and_not_until_there_are_no_more() -> None:
    before, now = served(Blind, 7, "1s"), served(Operator, 7, "1s")
    assert most(before) == 32
    assert most(now) <= 8
    assert now.tally.ttft.at(50) == pytest.approx(before.tally.ttft.at(50), rel=0.05)


def test_a_fleet_whose_requests_wait_for_longer_than_its_load_explains_grows() -> None:
    before, now = served(Blind, 20, "1s"), served(Operator, 20, "1s")
    assert most(before) == most(now) == 2
