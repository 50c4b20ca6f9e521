from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.virtual_clock import Knowledge, run
from benchmarks.core.worlds import Device, Tier, World
from cake_engine.config import Mode
from cake_engine.core.chunk import Chunk
from cake_engine.core.plan import Plan, PlanError

WORLDS = st.builds(
    World,
    chunks=st.integers(1, 32),
    chunk_tokens=st.sampled_from([16, 32, 128]),
    device=st.builds(
        Device,
        base=st.floats(0.005, 0.05),
        token=st.floats(1e-5, 1e-2),
        slope=st.floats(0.0, 1e-6),
        decode=st.floats(0.0, 1e-3),
        quantum=st.sampled_from([1, 128]),
    ),
    tiers=st.fixed_dictionaries({"near": st.builds(Tier, st.floats(1e-4, 0.3))}),
    step_tokens=st.sampled_from([100, 512, 2048]),
    decoding=st.sampled_from([0, 0, 4]),
)
LOSSES = st.frozensets(st.integers(0, 31), max_size=8)
TWO_TIERS = st.tuples(st.floats(1e-4, 0.3), st.sets(st.integers(0, 31)))
"""Time of a chunk on a second tier, and the chunks that are there."""
MODES = st.sampled_from(list(Mode))
PLAYS = settings(max_examples=25)
"""Each example plays a request from its first step to its last."""
KNOWLEDGE = st.sampled_from(list(Knowledge))


def with_a_second_tier(world: World, second: tuple[float, set[int]]) -> World:
    chunk_seconds, there = second
    tiers = {**world.tiers, "far": Tier(chunk_seconds)}
    return replace(world, tiers=tiers, homes=dict.fromkeys(there, "far"))


@given(WORLDS, TWO_TIERS, st.tuples(LOSSES, LOSSES), MODES, KNOWLEDGE)
@PLAYS
def test_every_chunk_is_filled_exactly_once_and_in_order(
    world: World,
    second: tuple[float, set[int]],
    gaps: tuple[frozenset[int], frozenset[int]],
    mode: Mode,
    knowledge: Knowledge,
) -> None:
    lost, missing = gaps
    world = replace(with_a_second_tier(world, second), lost=lost, missing=missing)
    served = run(world, mode, knowledge, static=0.5)
    assert served.outcome
    assert served.filled == list(range(world.chunks))
    assert served.outcome.computed + served.outcome.loaded == world.chunks
    assert served.outcome.open == 0


@given(WORLDS)
@PLAYS
def test_compute_only_loads_nothing(world: World) -> None:
    outcome = run(world, Mode.COMPUTE_ONLY).outcome
    assert outcome
    assert (outcome.computed, outcome.loaded, outcome.duplicated) == (world.chunks, 0, 0)


@given(WORLDS, LOSSES)
@PLAYS
def test_load_only_computes_nothing_but_what_was_lost(world: World, lost: frozenset[int]) -> None:
    outcome = run(replace(world, lost=lost), Mode.LOAD_ONLY).outcome
    assert outcome
    assert outcome.computed == outcome.lost == sum(chunk < world.chunks for chunk in lost)


@given(WORLDS, LOSSES)
@PLAYS
def test_what_is_missing_from_the_beginning_is_computed_and_was_not_lost(world: World, missing: frozenset[int]) -> None:
    outcome = run(replace(world, missing=missing), Mode.LOAD_ONLY).outcome
    assert outcome
    assert outcome.computed == sum(chunk < world.chunks for chunk in missing)
    assert (outcome.lost, outcome.duplicated) == (0, 0)


@given(WORLDS, LOSSES, st.floats(0, 1))
@PLAYS
def test_static_meets_at_the_given_point_whatever_the_speeds(world: World, lost: frozenset[int], point: float) -> None:
    outcome = run(replace(world, lost=lost), Mode.STATIC, static=point).outcome
    missing = [chunk for chunk in lost if round(point * world.chunks) <= chunk < world.chunks]
    assert outcome
    assert outcome.computed == round(point * world.chunks) + len(missing)
    assert outcome.duplicated == 0


def test_compute_never_enters_a_chunk_that_is_being_copied() -> None:
    plan = Plan(0, 4, 32)
    plan.copying(2)
    assert plan.limit(0, 1000) == 64
    assert plan.limit(64, 1000) == 0
    with pytest.raises(PlanError, match="chunk 2, which is COPYING"):
        plan.computed(64, 80)


def test_compute_ends_a_chunk_that_it_began_even_where_the_meeting_point_is_before_it() -> None:
    plan = Plan(0, 4, 32)
    plan.computed(0, 40)
    plan.aim(0, 0)
    assert plan.limit(40, 1000) == 24
    assert plan.limit(64, 1000) == 0


def test_what_compute_has_begun_is_no_longer_wanted_from_the_tiers() -> None:
    plan = Plan(0, 4, 32)
    assert list(plan.wanted(0)) == [3, 2, 1, 0]
    assert list(plan.wanted(33)) == [3, 2]


def test_a_chunk_that_compute_has_begun_cannot_be_copied_over() -> None:
    plan = Plan(0, 4, 32)
    plan.fetching(1)
    plan.computed(0, 33)
    with pytest.raises(PlanError, match="chunk 1 is COMPUTED and cannot become COPYING"):
        plan.copying(1)


def test_the_jump_goes_to_the_end_of_the_loaded_run_and_not_over_a_hole() -> None:
    plan = Plan(1, 6, 32)
    for chunk in (1, 2, 4, 5):
        plan.copying(chunk)
        plan.loaded(chunk)
    plan.lost(3)
    assert plan.jump(32) == 96
    assert plan.limit(96, 1000) == 32
    plan.computed(96, 128)
    assert plan.jump(128) == 192


def test_the_jump_waits_until_a_chunk_that_compute_began_is_full() -> None:
    plan = Plan(0, 3, 32)
    plan.copying(1)
    plan.loaded(1)
    assert plan.jump(16) == 16
    assert plan.jump(32) == 64


def test_chunks_that_are_stored_nowhere_are_never_wanted_and_compute_is_alone_with_them() -> None:
    plan = Plan(0, 8, 32, missing=[0, 1, 4, 7])
    plan.aim(0, 0)
    assert list(plan.wanted(0)) == [6, 5, 3, 2]
    assert plan.holes() == [range(2), range(4, 5), range(7, 8)]
    assert plan.limit(0, 1000) == plan.alone(0) == 64
    plan.computed(0, 40)
    assert (plan.alone(40), plan.limit(40, 1000)) == (0, 24)
    assert plan.holes() == [range(4, 5), range(7, 8)]
    plan.computed(40, 64)
    assert (plan.limit(64, 1000), plan.alone(64), plan.alone(128)) == (0, 0, 32)


def test_text_after_the_stored_prefix_is_computed_without_limit() -> None:
    plan = Plan(0, 2, 32)
    plan.aim(0, 0)
    assert plan.limit(64, 777) == 777


def test_a_chunk_read_and_computed_counts_once_as_computed_and_once_as_duplicated() -> None:
    plan = Plan(0, 2, 32)
    plan.fetching(1)
    plan.computed(0, 64)
    assert (plan.outcome().computed, plan.outcome().loaded, plan.outcome().duplicated) == (2, 0, 1)
    assert plan.outcome().meeting_ratio == 1.0


@pytest.mark.parametrize(
    ("missing", "lost", "computed", "actual", "chosen"),
    [
        ((), (), 0, 0.0, 0.0),
        ((), (), 3, 0.3, 0.3),
        ((0, 1, 2), (), 3, 0.3, 0.0),  # all that could be loaded was
        ((0, 1, 2), (), 5, 0.5, 0.5),
        ((0,), (1, 2), 3, 0.3, 0.0),
        (range(9), (9,), 10, 1.0, None),  # nothing could be
        ((), (), 10, 1.0, 1.0),
    ],
)
def test_where_compute_and_loads_met_was_chosen_unless_no_more_was_computed_than_had_to_be(
    missing: Iterable[int], lost: Iterable[int], computed: int, actual: float, chosen: float | None
) -> None:
    plan = Plan(0, 10, 32, missing=missing)
    for chunk in lost:
        plan.lost(chunk)
    for chunk in range(computed, 10):
        plan.copying(chunk)
        plan.loaded(chunk)
    plan.computed(0, 32 * computed)
    assert (plan.outcome().meeting_ratio, plan.outcome().chosen_ratio) == (actual, chosen)


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([("copying", 0), ("copying", 0)], "chunk 0 is COPYING and cannot become COPYING"),
        ([("loaded", 0)], "chunk 0 is STORED and cannot become LOADED"),
        ([("lost", 0), ("fetching", 0)], "chunk 0 is LOST and cannot become FETCHING"),
        ([("copying", 1), ("loaded", 1), ("lost", 1)], "chunk 1 is LOADED and cannot become LOST"),
        ([("copying", 1), ("arrived", 1)], "chunk 1 is COPYING and cannot become RESIDENT"),
    ],
)
def test_events_out_of_order_are_refused(events: list[tuple[str, int]], sentence: str) -> None:
    plan = Plan(0, 2, 32)
    for event, chunk in events[:-1]:
        getattr(plan, event)(chunk)
    event, chunk = events[-1]
    with pytest.raises(PlanError, match=sentence):
        getattr(plan, event)(chunk)


def test_chunks_in_memory_stop_compute_but_need_no_tier() -> None:
    plan = Plan(0, 4, 32, resident=[2, 3])
    assert plan[2] is Chunk.RESIDENT
    assert plan.stop(0) == 2
    assert plan.pending() == {"": [2, 1, 0, 0, 0]}


def test_a_chunk_that_came_into_memory_stops_compute_and_is_owed_no_more() -> None:
    plan = Plan(0, 4, 32)
    plan.fetching(2)
    assert (plan.stop(0), plan.limit(0, 1000)) == (4, 1000)
    plan.arrived(2)
    plan.aim(plan.stop(0), 0)
    assert (plan.stop(0), plan.limit(0, 1000)) == (2, 64)
    assert plan.pending() == {"": [3, 2, 1, 1, 0]}
    assert plan.reading() == {}


EVENTS = {
    "S": [],
    "F": ["fetching"],
    "R": ["arrived"],
    "C": ["copying"],
    "L": ["copying", "loaded"],
    "X": ["lost"],
}
"""How a chunk comes to be stored, fetched, resident, being copied, loaded and lost."""


@pytest.mark.parametrize(
    ("chunks", "at", "floor", "landing"),
    [
        pytest.param("RRLL", 0, 0, range(4), id="what is in memory and what is loaded behind it"),
        pytest.param("LRLS", 0, 0, range(3), id="what is in memory behind a loaded one"),
        pytest.param("RCLF", 0, 0, range(3), id="a copy under way behind it ends before its own"),
        pytest.param("CRLL", 0, 0, range(0), id="a copy under way before it is not waited for"),
        pytest.param("LLLL", 0, 0, range(0), id="nothing is to be copied"),
        pytest.param("RFLL", 0, 0, range(1), id="up to one that is still on its way"),
        pytest.param("RXLL", 0, 0, range(1), id="up to a hole"),
        pytest.param("SRLL", 0, 0, range(0), id="compute is not there yet"),
        pytest.param("SRLL", 32, 0, range(1, 4), id="compute is there"),
        pytest.param("SRLL", 40, 0, range(1, 1), id="compute has begun the chunk"),
        pytest.param("RRLL", 0, 1, range(0), id="it is left to compute"),
        pytest.param("LLLL", 128, 0, range(4, 4), id="compute is past the prefix"),
    ],
)
def test_what_is_in_memory_next_to_compute_can_land(chunks: str, at: int, floor: int, landing: range) -> None:
    plan = Plan(0, 4, 32)
    for chunk, letter in enumerate(chunks):
        for event in EVENTS[letter]:
            getattr(plan, event)(chunk)
    plan.aim(4, floor)
    assert plan.landing(at) == landing


def test_a_chunk_is_being_read_until_it_comes_or_is_given_up() -> None:
    plan = Plan(0, 6, 32, tiers=dict.fromkeys(range(5), "files"))
    for chunk in range(6):
        plan.fetching(chunk)
    assert plan.reading() == {"files": 5, "": 1}

    plan.arrived(5)
    plan.copying(4)
    plan.returned(3)
    plan.lost(2)
    plan.computed(0, 32)
    assert plan.reading() == {"files": 1}
