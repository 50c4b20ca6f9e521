from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.core.oracle import possible
from benchmarks.core.virtual_clock import Knowledge, run
from benchmarks.core.worlds import Device, Tier, World
from cake_engine.config import Mode
from cake_engine.core.line import Line, Turn
from cake_engine.core.meeting import Aim, Costs, Loads, aim
from cake_engine.core.plan import Plan
from tests.unit.core.test_plan import PLAYS, TWO_TIERS, WORLDS, with_a_second_tier


def _compute(start: int, stop: int) -> float:
    return (stop - start) * 0.001


def _load(chunks: int) -> float:
    return chunks * 0.032


def _goal(ahead: float = 0.0, behind: Sequence[Turn] = (), **costs: float) -> Aim:
    delay = partial(Line(behind).delay, "me") if behind else None
    loads = {"": Loads(_load, ahead=ahead)}
    return aim(Plan(0, 64, 32), 0, Mode.ADAPTIVE, Costs(_compute, loads, delay=delay, **costs))


TEXT_ALONE = Turn("text", text=1.0)
MUCH_STORED = Turn("stored", text=0.0, loads=2.0)
MUCH_TEXT = Turn("both", text=20.0, loads=2.0)


def _slack(world: World) -> float:
    """What no schedule can do without: a chunk on either side, and the base of the step that it is in."""
    last = world.compute(world.end - world.chunk_tokens, world.end)
    return max(tier.chunk_seconds for tier in world.tiers.values()) + last + 1e-9


@given(WORLDS)
@PLAYS
def test_with_known_costs_it_is_never_slower_than_the_better_single_resource_and_a_chunk(world: World) -> None:
    assert run(world).seconds <= possible(world).better_single + _slack(world)


@given(WORLDS)
@PLAYS
def test_with_known_costs_it_is_within_a_chunk_and_a_fiftieth_of_the_oracle(world: World) -> None:
    assert run(world).seconds <= 1.02 * possible(world).oracle + _slack(world)


@given(WORLDS, TWO_TIERS)
@PLAYS
def test_tiers_load_at_the_same_time(world: World, second: tuple[float, set[int]]) -> None:
    world = with_a_second_tier(world, second)
    assert run(world).seconds <= 1.02 * possible(world).oracle + _slack(world)


@given(WORLDS)
@PLAYS
def test_without_any_estimate_it_loses_little_to_the_better_single_resource(world: World) -> None:
    # The steps that double have a base each, and the last of them is as long as all before it.
    steps = 6 * world.device.step([], world.decoding) + world.compute(0, 4 * world.chunk_tokens)
    seconds = run(world, knowledge=Knowledge.COLD).seconds
    assert seconds <= 1.5 * possible(world).better_single + steps + _slack(world)


@given(WORLDS, st.integers(0, 31))
@PLAYS
def test_a_tail_behind_a_missing_head_is_loaded_as_far_as_that_is_sooner(world: World, head: int) -> None:
    world = replace(world, missing=frozenset(range(min(head, world.chunks - 1))))
    (tier,) = world.tiers.values()
    alone = len(world.missing) * world.chunk_tokens
    meetings = range(len(world.missing), world.chunks + 1)
    best = min(max(world.compute(0, m * world.chunk_tokens), (world.chunks - m) * tier.chunk_seconds) for m in meetings)
    seconds = run(world).seconds
    assert seconds <= 1.02 * best + _slack(world)
    assert seconds >= world.compute(0, alone) - 1e-9


@given(WORLDS, st.frozensets(st.integers(0, 31), max_size=8))
@PLAYS
def test_with_holes_it_is_never_slower_than_to_compute_all_and_a_chunk(world: World, holes: frozenset[int]) -> None:
    world = replace(world, missing=holes)
    assert run(world).seconds <= possible(world).compute_only + _slack(world)


def test_a_hopeless_tier_means_to_compute_behind_a_missing_head_too() -> None:
    world = World(chunks=64, tiers={"near": Tier(10.0)}, device=Device(base=0.0), missing=frozenset(range(32)))
    outcome = run(world).outcome
    assert outcome
    assert outcome.computed == 64


@pytest.mark.parametrize(
    ("chunk_seconds", "computed"),
    [(1e-5, 0), (0.032, 32), (10.0, 64)],
    ids=["a very fast tier means no compute", "equal speeds meet in the middle", "a hopeless tier means no load"],
)
def test_the_meeting_point_follows_the_speeds(chunk_seconds: float, computed: int) -> None:
    world = World(chunks=64, tiers={"near": Tier(chunk_seconds)}, device=Device(base=0.0))
    outcome = run(world).outcome
    assert outcome
    assert outcome.computed == pytest.approx(computed, abs=1)


def test_loads_that_others_asked_for_first_move_the_meeting_point_back() -> None:
    assert _goal().meeting == pytest.approx(32, abs=1)
    assert _goal(ahead=1.0).meeting > _goal(ahead=0.5).meeting > _goal().meeting


def test_compute_that_goes_first_moves_the_meeting_point_forward() -> None:
    assert _goal(compute_ahead=1.0).meeting < _goal(compute_ahead=0.5).meeting < _goal().meeting
    assert _goal(compute_ahead=10.0).meeting == 0


@pytest.mark.parametrize(
    ("behind", "meeting"),
    [([], 32), ([TEXT_ALONE] * 3, 0), ([MUCH_STORED] * 3, 32), ([MUCH_TEXT, *[MUCH_STORED] * 3], 0)],
    ids=[
        "nobody is behind",
        "those behind only compute",
        "those behind share their prefixes between both ends as well",
        "those behind have more to compute than to load",
    ],
)
def test_compute_is_left_to_those_behind_where_it_is_what_they_wait_for(behind: list[Turn], meeting: int) -> None:
    # Equal speeds: what one resource is spared costs the other as much.
    named = [replace(turn, request=f"{place}") for place, turn in enumerate(behind)]
    assert _goal(behind=named).meeting == pytest.approx(meeting, abs=1)


def test_a_stored_prefix_is_computed_for_others_sake_only_as_far_as_that_saves_more_than_it_delays() -> None:
    # Loads are three times dearer than compute: one who waits is no reason to load, four are.
    slow = Loads(lambda chunks: chunks * 0.096)

    def meeting(waiting: int) -> int:
        line = Line(Turn(f"{place}", text=1.0) for place in range(waiting))
        costs = Costs(_compute, {"": slow}, delay=partial(line.delay, "me"))
        return aim(Plan(0, 64, 32), 0, Mode.ADAPTIVE, costs).meeting

    assert meeting(0) == meeting(1) == meeting(2) == pytest.approx(48, abs=1)
    assert meeting(4) == 0


def test_what_was_asked_for_comes_before_what_others_asked_for_later() -> None:
    def meeting(asked: int) -> int:
        loads = Loads(_load, asked=asked, later=10.0)
        return aim(Plan(0, 64, 32), 0, Mode.ADAPTIVE, Costs(_compute, {"": loads})).meeting

    assert meeting(asked=0) == pytest.approx(64, abs=1)
    assert meeting(asked=32) == 32
    assert meeting(asked=8) == 64 - 8


def test_nothing_is_loaded_that_compute_would_reach_first() -> None:
    assert _goal(doubt=0.0).floor == _goal().meeting - 1
    for doubt in (0.05, 0.2):
        goal = _goal(doubt=doubt)
        assert goal.meeting - 1 > goal.floor >= goal.meeting * (1 - 2 * doubt)


def test_where_somebody_is_behind_nothing_is_loaded_in_doubt() -> None:
    goal = _goal(doubt=0.5, behind=[MUCH_STORED])
    assert goal.floor == goal.meeting


def test_a_tier_that_was_slow_is_asked_for_one_chunk_so_that_it_can_recover() -> None:
    costs = Costs(_compute, {"": Loads(lambda chunks: chunks * 100.0)})
    assert aim(Plan(0, 64, 32), 0, Mode.ADAPTIVE, costs) == Aim(64, 63, pytest.approx(2.048), 0.0)


@pytest.mark.parametrize("unknown", [Costs(None, {"": Loads(_load)}), Costs(_compute, {"": Loads(None)})])
def test_without_an_estimate_everything_is_loaded_and_steps_of_compute_double(unknown: Costs) -> None:
    plan, at, steps = Plan(0, 64, 32), 0, []
    while at < plan.end * 32:
        goal = aim(plan, at, Mode.ADAPTIVE, unknown)
        assert goal.floor == at // 32
        plan.aim(goal.meeting, goal.floor)
        tokens = plan.limit(at, min(2048, plan.end * 32 - at))
        plan.computed(at, at + tokens)
        at += tokens
        steps.append(tokens // 32)
    assert steps == [1, 1, 2, 4, 8, 16, 32]


@given(st.integers(0, 63), st.floats(1e-4, 1.0), st.floats(0.0, 4.0), st.floats(0.0, 4.0))
def test_the_aim_stays_between_compute_and_the_first_chunk_in_memory(
    at_chunk: int, chunk_seconds: float, text: float, load: float
) -> None:
    plan = Plan(0, 64, 32, resident=[60, 61, 62, 63])
    line = Line([Turn("behind", text, load), Turn("last", text, load)])
    costs = Costs(_compute, {"": Loads(lambda n: n * chunk_seconds)}, delay=partial(line.delay, "me"))
    goal = aim(plan, at_chunk * 32, Mode.ADAPTIVE, costs)
    assert min(at_chunk, 60) <= goal.floor <= goal.meeting <= max(60, at_chunk)


@given(WORLDS, st.floats(0.0, 1.0))
@PLAYS
def test_the_finish_that_is_predicted_is_the_best_that_any_meeting_point_gives(world: World, share: float) -> None:
    plan = Plan(0, world.chunks, world.chunk_tokens)
    at = int(share * world.end)
    loads = Loads(lambda chunks: chunks * world.tiers["near"].chunk_seconds)
    goal = aim(plan, at, Mode.ADAPTIVE, Costs(world.compute, {"": loads}))
    low = -(-at // world.chunk_tokens)
    best = min(
        (
            max(world.compute(at, m * world.chunk_tokens), (world.chunks - m) * world.tiers["near"].chunk_seconds)
            for m in range(low, world.chunks)
        ),
        default=None,
    )
    if best is not None and goal.seconds is not None:
        whole = world.compute(at, world.end)
        assert goal.seconds <= min(best, whole) + world.device.base + _slack(replace(world, decoding=0))
