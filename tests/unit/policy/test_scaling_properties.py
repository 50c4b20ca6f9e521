"""What holds of scaling whatever is measured, and a fleet under constant load."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_operator.policy import scaling
from cake_operator.policy.decision import Decision
from cake_operator.policy.scaling import ScalingHistory
from tests.unit.policy.figures import ABSENT, NAN, STALE, at, bounds, busy, present, slo

numbers = st.floats(min_value=0, max_value=1000)
measured = numbers.map(present)
figures = st.one_of(measured, st.sampled_from([ABSENT, STALE, NAN]))
snapshots = st.builds(
    DeploymentSnapshot,
    ttft=figures,
    inter_token_latency=figures,
    running=figures,
    waiting=figures,
    arrivals=figures,
    tokens=figures,
    reporting_pods=figures,
)
replicas = st.integers(min_value=0, max_value=30)
INTERVAL = 15
SLO = slo("1s", "50ms")
AT_ONCE = bounds(1, 20, down="0s")
SOON = bounds(1, 20, down="120s")


def decide(
    snapshot: DeploymentSnapshot,
    current: int,
    ready: int,
    *,
    history: ScalingHistory | None = None,
    seconds: float = 0,
    spec: scaling.ScalingSpec | None = None,
) -> tuple[Decision[int], ScalingHistory]:
    return scaling.decide(
        spec or AT_ONCE,
        SLO,
        fixed=None,
        snapshot=snapshot,
        history=history or ScalingHistory(),
        current_replicas=current,
        ready_replicas=ready,
        now=at(seconds),
    )


@given(st.lists(st.tuples(snapshots, replicas), max_size=20), st.integers(1, 5), st.integers(0, 15))
def test_replicas_are_never_out_of_bounds(moments: list[tuple[DeploymentSnapshot, int]], least: int, more: int) -> None:
    spec = bounds(least, least + more, up="30s", down="60s")
    history, current = ScalingHistory(), 0
    for moment, (snapshot, ready) in enumerate(moments):
        decision, history = decide(
            snapshot, current, min(ready, current), history=history, seconds=moment * INTERVAL, spec=spec
        )
        current = decision.value
        assert least <= current <= least + more
        assert decision.until >= at(moment * INTERVAL)
        assert decision.reason


@given(st.sampled_from([ABSENT, STALE]), figures, figures, st.integers(1, 20), st.integers(0, 20))
def test_absent_and_stale_latencies_change_nothing(
    unknown: Figure, running: Figure, waiting: Figure, current: int, ready: int
) -> None:
    snapshot = replace(busy(unknown, unknown), running=running, waiting=waiting)
    decision, _ = decide(snapshot, current, min(ready, current))
    assert (decision.value, decision.valid) == (current, False)


@given(snapshots, st.integers(1, 20), st.integers(0, 20))
def test_what_is_not_valid_is_what_was(snapshot: DeploymentSnapshot, current: int, ready: int) -> None:
    decision, _ = decide(snapshot, current, min(ready, current))
    assert decision.valid or decision.value == current


@given(numbers, numbers, st.integers(1, 20))
def test_a_higher_latency_never_asks_for_fewer(one: float, other: float, current: int) -> None:
    low, high = sorted((one, other))
    fewer, _ = decide(busy(low, 0.03, pods=current), current, current)
    more, _ = decide(busy(high, 0.03, pods=current), current, current)
    assert fewer.value <= more.value


@given(measured, measured, st.integers(1, 20))
def test_a_second_latency_never_asks_for_fewer(ttft: Figure, itl: Figure, current: int) -> None:
    both, _ = decide(busy(ttft, itl, pods=current), current, current)
    one, _ = decide(busy(ttft, NAN, pods=current), current, current)
    assert one.value <= both.value


@given(measured, st.integers(1, 20))
def test_one_step_at_most_doubles(ttft: Figure, current: int) -> None:
    decision, _ = decide(busy(ttft, NAN, pods=current), current, current)
    assert min(current - 1, 0.7 * current) - 1 < decision.value <= 2 * current


def fleet(load: float, start: int, seconds: int, idle_ttft: float, start_up: int) -> list[int]:
    """Replicas over time under a constant load: a queue at each replica, pods that take long to start, late figures.

    Args:
        load: What one replica can serve is 1.
        start: Replicas at the beginning.
        seconds: How long.
        idle_ttft: Time to the first token without a queue, over its target.
        start_up: Seconds until a pod is ready.
    """
    history, asked, ready_from, seen, over_time = ScalingHistory(), start, [0.0] * start, [0.0] * 4, []
    for now in range(0, seconds, INTERVAL):
        ready = sum(since <= now for since in ready_from)
        share = load / ready
        seen = [*seen[1:], idle_ttft / (1 - share) if share < 1 else inf]
        # The percentile of a window is about its worst quarter.
        ttft = present(min(sorted(seen)[-1], 100))
        snapshot = replace(
            busy(ttft, NAN, pods=ready, tokens=min(load, ready)), waiting=present(0 if share < 1 else 50)
        )
        decision, history = decide(snapshot, asked, ready, history=history, seconds=now, spec=SOON)
        asked = decision.value
        ready_from = sorted(ready_from)[:asked] + [now + start_up] * max(asked - len(ready_from), 0)
        over_time.append(asked)
    return over_time


def reversals(over_time: list[int]) -> int:
    """How often growth became shrinking or the other way."""
    steps = [after - before for before, after in pairwise(over_time) if after != before]
    return sum((a > 0) != (b > 0) for a, b in pairwise(steps))


@settings(max_examples=60, deadline=None)
@given(
    load=st.floats(0.05, 14),
    start=st.integers(1, 20),
    idle_ttft=st.floats(0.02, 0.6),
    start_up=st.sampled_from([0, 30, 90, 240]),
)
def test_a_constant_load_swings_the_fleet_at_most_once(
    load: float, start: int, idle_ttft: float, start_up: int
) -> None:
    over_time = fleet(load, start, 3500, idle_ttft, start_up)
    assert reversals(over_time) <= 2, over_time


@pytest.mark.parametrize(("load", "fewest", "most"), [(0.3, 1, 2), (2.5, 3, 5), (6.0, 7, 11)])
def test_the_fleet_settles_where_the_objective_is_met(load: float, fewest: int, most: int) -> None:
    for start in (1, 20):
        assert fewest <= fleet(load, start, 3500, 0.2, 30)[-1] <= most
