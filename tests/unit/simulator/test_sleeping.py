"""A fleet that runs no pod while nobody asks, and what waking it takes."""

from __future__ import annotations

from dataclasses import replace

from cake_simulator.ended import Ended
from cake_simulator.policies.operator import Operator
from cake_simulator.simulation import simulate
from tests.unit.policy.figures import bounds, slo
from tests.unit.simulator.fleets import request, setup

START, SCRAPE, LOOK = 30.0, 15.0 + 2.0, 15.0


def test_a_request_wakes_a_fleet_within_a_scrape_a_look_and_a_start_and_it_sleeps_again() -> None:
    made, ended = replace(setup(0), most=4), list[Ended]()
    asked = [request(0, 60.0, 512), request(1, 900.0, 512)]
    found = simulate(made, asked, Operator(bounds(0, 4), slo("1s")), ended.append)
    wanted = {moment.at: moment.wanted for moment in found.moments}
    assert [wanted[at] for at in (45.0, 120.0, 300.0, 885.0)] == [0, 1, 1, 0]
    for one in ended:
        assert one.ttft is not None
        assert START < one.ttft < START + SCRAPE + LOOK + 1.0
    assert len(ended) == 2
