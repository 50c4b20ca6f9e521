from __future__ import annotations

import gc
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_engine.config import Mode
from cake_simulator import trace
from cake_simulator.policies.policy import Look
from cake_simulator.policies.static import Static
from cake_simulator.result import Result
from cake_simulator.router import Routing
from cake_simulator.simulation import simulate
from cake_simulator.tally import Objective
from cake_simulator.trace import Request
from tests.unit.simulator.fleets import BLOCK, DEVICE, hardware, request, run, setup
from tests.unit.simulator.test_trace import EXCERPT


@dataclass
class Timetable:
    """Replicas by moment, the last that has come."""

    entries: tuple[tuple[float, int], ...]

    def replicas(self, look: Look) -> int:
        return [number for moment, number in self.entries if moment <= look.now][-1]


def recorded(replicas: int, *, seconds: float = 45.0, **changes: object) -> Result:
    made = setup(replicas, objective=Objective(2.0, 2.0, 0.1), **changes)
    requests = trace.until(trace.spread(trace.read(EXCERPT)), seconds)
    return simulate(made, requests, Static(replicas))


def test_a_fleet_without_end_keeps_every_promise() -> None:
    # As many replicas as requests: none of them waits for another.
    found = recorded(130)
    assert found.arrived < 130
    assert found.tally.attainment == 1.0


def test_more_replicas_are_never_worse() -> None:
    attained = [recorded(replicas).tally.attainment or 0.0 for replicas in (4, 8, 16, 32)]
    assert all(more >= fewer - 0.02 for fewer, more in itertools.pairwise(attained))
    assert attained[-1] > attained[0]


@pytest.mark.parametrize("routing", list(Routing))
def test_every_routing_serves_all(routing: Routing) -> None:
    found = recorded(4, seconds=20.0, routing=routing)
    assert found.tally.whole == found.arrived > 0


def test_a_replica_that_is_asked_for_is_ready_a_cold_start_later_and_paid_for_from_the_start() -> None:
    made = setup(0, hardware=hardware(cold_start_seconds=100.0), most=1)
    found = simulate(made, [request(0, 0.0, 100)], Timetable(((0, 0), (30, 1))))
    step = DEVICE.prefill(100, 512)
    assert found.tally.ttft.sum == pytest.approx(130 + step)  # asked for at the second decision
    assert found.replica_hours * 3600 == pytest.approx(100 + step)


def test_a_pod_that_drains_finishes_what_it_has_and_is_paid_for_until_then() -> None:
    made = setup(2, routing=Routing.RANDOM)
    asked = [request(0, 0.0, 100, output=20_000), request(1, 0.0, 100, output=20_000), request(2, 600.0, 100)]
    found = simulate(made, asked, Timetable(((0, 1),)))
    assert found.tally.whole == 3
    assert found.seconds == pytest.approx(600 + DEVICE.prefill(100, 512), rel=0.01)
    assert found.replica_hours * 3600 < 2 * found.seconds


def test_a_pod_that_is_still_starting_is_the_first_to_go() -> None:
    made = setup(1, hardware=hardware(cold_start_seconds=1000.0))
    found = simulate(made, [request(0, 100.0, 100)], Timetable(((0, 3), (40, 1))))
    # Two pods from the first decision at 15 s to the third at 45 s.
    assert found.replica_hours * 3600 == pytest.approx(found.seconds + 2 * 30)


def test_a_pod_that_dies_breaks_the_answers_it_was_giving_and_no_others() -> None:
    asked = [request(0, 0.0, 100, output=50_000), request(1, 9.9999, 6000), request(2, 50.0, 100)]
    found = run(setup(losses=(10.0,)), *asked)
    assert (found.tally.broken, found.tally.whole) == (1, 2)
    retried = found.tally.ttft.sum - 2 * DEVICE.prefill(100, 512)
    assert retried == pytest.approx(30 + DEVICE.prefill(6000, 512), abs=0.1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 5), st.sampled_from(list(Routing)), st.sampled_from(list(Mode)[:3]))
def test_the_same_seed_gives_the_same_fleet(seed: int, routing: Routing, mode: Mode) -> None:
    made = replace(setup(3, routing=routing, mode=mode, bandwidth=1e7), seed=seed)
    asked = [request(n, n * 0.2, 700 + 300 * (n % 5), output=30) for n in range(20)]
    first, second = (simulate(made, asked, Static(3)) for _ in range(2))
    assert first == second


def test_memory_stays_flat_while_the_trace_grows() -> None:
    held: list[int] = []

    def stream() -> Iterator[Request]:
        for number in range(1600):
            if number in (700, 1599):  # five minutes fill every window that is looked back over
                gc.collect()
                held.append(sum(sys.getsizeof(one) for one in gc.get_objects()))
            yield request(number, number * 0.5, 600, output=2)

    made = setup(1, kv_tokens=10_000, bandwidth=1e9, memory_bytes=20 * BLOCK * 1000.0)
    tier = replace(made.tiers[0], capacity_bytes=20 * BLOCK * 1000.0)
    simulate(replace(made, tiers=(tier,)), stream(), Static(1))
    assert held[1] - held[0] < 20 * 900  # bytes a request; a request alone takes some hundreds
