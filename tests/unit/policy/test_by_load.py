"""Replicas by the load that is offered: tables of moments, and what holds whatever is measured."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from tests.unit.policy.figures import ABSENT, NAN, STALE, bounds, busy, present, slo
from tests.unit.policy.scaler import Scaler
from tests.unit.policy.test_scaling_properties import reversals


def loaded(compute: float, ttft: float | Figure = 0.4, pods: float = 2, **figures: Figure) -> DeploymentSnapshot:
    """Five requests a second that ask for so much compute."""
    found = replace(
        busy(ttft, NAN, pods=pods, tokens=1000 * compute),
        offered_compute=present(compute + 1),
        spared_compute=present(1.5),
        decode_compute=present(0.5),
        mean_waiting=present(1.0),
    )
    return replace(found, **figures)


def up_to_40(replicas: int, down: str = "0s") -> Scaler:
    """A deployment of up to 40 replicas."""
    return Scaler(bounds(1, 40, down=down), slo("1s"), replicas)


def test_a_step_in_the_load_is_answered_at_once_and_whole() -> None:
    scaler = up_to_40(1)
    assert scaler.follow(0, loaded(0.5)) == 1
    assert 8 < scaler.follow(15, loaded(8.0)) <= 14


def test_the_decision_says_which_load_over_which_time_and_how_old() -> None:
    scaler = up_to_40(2)
    assert "0.50 s of compute are asked for each second, 5 s old" in scaler.decide(0, loaded(0.5)).reason
    assert "each second over 60 s, 5 s old" in scaler.decide(60, loaded(0.5)).reason


def test_pods_that_are_starting_are_coming_capacity() -> None:
    scaler = up_to_40(2)
    wanted = scaler.follow(0, loaded(4.0))
    for seconds in (15, 30, 45, 60):
        assert scaler.follow(seconds, loaded(4.0, ttft=3.0), ready=2) == wanted
    assert scaler.follow(75, loaded(9.0, ttft=3.0), ready=2) > wanted


def test_fewer_are_wished_for_as_the_load_falls_and_come_when_the_window_has_passed() -> None:
    scaler = up_to_40(12, down="300s")
    assert scaler.follow(0, loaded(6.0, pods=12)) == 12
    held = scaler.decide(15, loaded(1.0, pods=12, mean_waiting=present(0.1)))
    assert held.value == 12
    assert "would do" in held.reason
    for seconds in range(30, 300, 15):
        assert scaler.follow(seconds, loaded(1.0, pods=12, mean_waiting=present(0.1))) == 12
    assert scaler.follow(600, loaded(1.0, ttft=0.05, pods=12, mean_waiting=present(0.1))) < 5


def test_nothing_shrinks_while_the_target_is_missed_and_requests_wait_for_longer_than_the_load_explains() -> None:
    decision = up_to_40(6).decide(0, loaded(0.5, ttft=2.0, pods=6, mean_waiting=present(2.0)))  # 0.4 s each
    assert decision.value >= 6
    assert "TTFT p90 is 2.00 s of 1.00 s" in decision.reason


def test_nothing_shrinks_while_a_pod_starts_that_a_missed_target_has_asked_for() -> None:
    decision = up_to_40(2).decide(0, loaded(0.3, ttft=2.0, pods=1, mean_waiting=present(4.5)), ready=1)
    assert decision.value == 2
    assert "1 ready, 1 of 2 replicas starting" in decision.reason


def test_a_fleet_whose_target_no_number_of_replicas_meets_shrinks_with_its_load() -> None:
    alone = {"mean_waiting": present(0.0), "mean_running": present(0.2), "running": present(0), "waiting": present(0)}
    decision = up_to_40(6).decide(0, loaded(0.3, ttft=9.0, pods=6, **alone))
    assert decision.value < 6


def test_a_missed_target_asks_for_nothing_where_requests_wait_no_longer_than_the_load_lets_them() -> None:
    decision = up_to_40(2).decide(0, loaded(0.9, ttft=20.0))
    assert (decision.value, decision.valid) == (2, True)
    assert (
        "TTFT p90 is 20.00 s of 1.00 s, 5 s old with a wait of 200 ms on average, and 356 ms would do"
        in decision.reason
    )


def test_growth_that_the_load_asks_for_is_no_miss_that_keeps_the_fleet_from_shrinking_again() -> None:
    scaler = up_to_40(2)
    assert scaler.follow(0, loaded(6.0, ttft=20.0)) > 6
    assert not scaler.history.misses


@pytest.mark.parametrize(("wait", "replicas"), [(present(4.5), 3), (present(9.0), 4), (ABSENT, 4)])
def test_where_requests_are_seen_to_wait_for_longer_more_are_asked_for_by_how_much_longer(
    wait: Figure, replicas: int
) -> None:
    assert up_to_40(2).decide(0, loaded(0.9, ttft=2.0, mean_waiting=wait)).value == replicas


def test_the_time_between_tokens_is_no_matter_of_the_load() -> None:
    promised = Scaler(bounds(1, 40), slo("1s", "50ms"), 2)
    decision = promised.decide(0, loaded(0.9, inter_token_latency=present(0.2)))
    assert decision.value == 4


@pytest.mark.parametrize(("waiting", "replicas"), [(0.0, 1), (1.0, 4), (1.9, 6)])
def test_fewer_are_wished_for_only_as_far_as_waits_stay_bearable_were_they_proportional_to_load(
    waiting: float, replicas: int
) -> None:
    # At five requests a second, and 0.39 s that they may wait on average.
    assert up_to_40(6).decide(0, loaded(0.5, mean_waiting=present(waiting), pods=6)).value == replicas


@pytest.mark.parametrize(("ttft", "replicas"), [(0.85, 6), (0.44, 3), (0.01, 1)])
def test_where_waits_are_not_known_a_latency_near_its_target_keeps_what_the_load_does_not_need(
    ttft: float, replicas: int
) -> None:
    assert up_to_40(6).decide(0, loaded(0.5, ttft, pods=6, mean_waiting=ABSENT)).value == replicas


@pytest.mark.parametrize("missing", [ABSENT, STALE, NAN])
@pytest.mark.parametrize("figure", ["offered_compute", "spared_compute", "decode_compute", "reporting_pods"])
def test_a_load_that_is_not_known_asks_for_nothing(figure: str, missing: Figure) -> None:
    scaler = up_to_40(3)
    assert scaler.decide(0, loaded(9.0, ttft=0.7, pods=3, **{figure: missing})).value == 3


@pytest.mark.parametrize("missing", [ABSENT, STALE])
def test_latencies_that_are_not_known_let_nothing_shrink_and_the_load_may_still_grow_the_fleet(missing: Figure) -> None:
    held = up_to_40(6).decide(0, loaded(0.5, ttft=missing, pods=6))
    assert (held.value, held.valid) == (6, False)
    assert up_to_40(2).decide(0, loaded(6.0, ttft=missing)).value > 6


@settings(max_examples=40)
@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 10), st.integers(1, 30))
def test_a_higher_load_never_asks_for_fewer(one: float, other: float, ttft: float, current: int) -> None:
    low, high = sorted((one, other))
    fewer = up_to_40(current).decide(0, loaded(low, ttft, pods=current)).value
    more = up_to_40(current).decide(0, loaded(high, ttft, pods=current)).value
    assert fewer <= more


numbers = st.floats(min_value=0, allow_infinity=False, allow_nan=False).map(present)
figures = st.one_of(numbers, st.sampled_from([ABSENT, STALE, NAN]))


@settings(max_examples=40)
@given(st.lists(st.tuples(figures, figures, figures, figures, figures, st.integers(0, 40)), max_size=6))
def test_whatever_is_measured_replicas_stay_within_their_bounds(looks: list[tuple[Figure, ...]]) -> None:
    scaler = up_to_40(1)
    for number, (ttft, came, spared, decoding, arrivals, ready) in enumerate(looks):
        snapshot = replace(
            busy(ttft, NAN, pods=40),
            offered_compute=came,
            spared_compute=spared,
            decode_compute=decoding,
            arrivals=arrivals,
        )
        now = scaler.follow(15 * number, snapshot, ready=min(int(ready), scaler.replicas))  # type: ignore[call-overload]
        assert 1 <= now <= 40


@pytest.mark.parametrize("load", [0.2, 0.7, 1.5, 3.0, 8.0])
def test_an_hour_of_constant_load_with_noise_changes_direction_at_most_once(load: float) -> None:
    chance, scaler, over_time = Random(7), up_to_40(1, down="300s"), []
    for second in range(0, 3600, 15):
        noisy = load * (1 + 0.1 * chance.gauss(0, 1))
        over_time.append(scaler.follow(second, loaded(noisy, ttft=0.6, pods=scaler.replicas)))
    assert reversals(over_time) <= 1, over_time


def test_looks_that_are_far_apart_are_not_averaged() -> None:
    scaler = up_to_40(2)
    scaler.follow(0, loaded(0.5))
    scaler.follow(timedelta(hours=1).total_seconds(), loaded(0.5))
    assert len(scaler.history.offered) == 1
