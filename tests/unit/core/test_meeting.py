from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.config import Mode
from cake_engine.core.meeting import Costs, aim
from cake_engine.core.plan import Plan
from tests.unit.core.test_plan import WORLDS
from tests.unit.core.virtual_clock import World, run


def _slack(world: World) -> float:
    """What no schedule can do without: a chunk on either side, and the base of the step that it is in."""
    return world.chunk_seconds + world.step(world.end - world.chunk_tokens, world.end) + 1e-9


@given(WORLDS)
def test_with_known_costs_it_is_never_slower_than_the_better_single_resource_and_a_chunk(world: World) -> None:
    if world.lost:
        return
    assert run(world, Mode.ADAPTIVE).seconds <= world.better_single + _slack(world)


@given(WORLDS)
def test_with_known_costs_it_is_within_a_chunk_and_a_twentieth_of_the_oracle(world: World) -> None:
    if world.lost:
        return
    assert run(world, Mode.ADAPTIVE).seconds <= 1.05 * world.oracle + _slack(world)


@given(WORLDS)
def test_without_costs_both_ends_go_on_until_they_touch(world: World) -> None:
    if world.lost:
        return
    whole_step = world.compute(world.end - min(world.end, world.step_tokens), world.end)
    assert run(world, Mode.ADAPTIVE, known=False).seconds <= world.better_single + whole_step + _slack(world)


@pytest.mark.parametrize(
    ("chunk_seconds", "computed"),
    [(1e-5, 0), (0.032, 32), (10.0, 64)],
    ids=["a very fast tier means no compute", "equal speeds meet in the middle", "a hopeless tier means no load"],
)
def test_the_meeting_point_follows_the_speeds(chunk_seconds: float, computed: int) -> None:
    world = World(chunks=64, chunk_seconds=chunk_seconds, base=0.0)
    assert run(world, Mode.ADAPTIVE).outcome.computed == pytest.approx(computed, abs=1)


def test_loads_that_others_asked_for_first_move_the_meeting_point_back() -> None:
    def meeting(ahead: float) -> int:
        costs = Costs(lambda start, stop: (stop - start) * 0.001, 0.032, ahead)
        return aim(Plan(0, 64, 32), 0, Mode.ADAPTIVE, costs).meeting

    assert meeting(0.0) == pytest.approx(32, abs=1)
    assert meeting(1.0) > meeting(0.5) > meeting(0.0)


def test_nothing_is_loaded_that_compute_would_reach_first() -> None:
    costs = Costs(lambda start, stop: (stop - start) * 0.001, 0.032)
    goal = aim(Plan(0, 64, 32), 0, Mode.ADAPTIVE, costs)
    assert goal.meeting - 8 <= goal.floor < goal.meeting


@given(st.integers(0, 63), st.floats(1e-4, 1.0))
def test_the_aim_stays_between_compute_and_the_first_chunk_in_memory(at_chunk: int, chunk_seconds: float) -> None:
    plan = Plan(0, 64, 32, resident=[60, 61, 62, 63])
    goal = aim(plan, at_chunk * 32, Mode.ADAPTIVE, Costs(lambda a, b: (b - a) * 1e-3, chunk_seconds))
    assert min(at_chunk, 60) <= goal.meeting <= max(60, at_chunk)
