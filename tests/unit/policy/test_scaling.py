"""Replicas over time: tables of moments and expectations."""

from dataclasses import replace
from typing import Any

import pytest

from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.scaling import ScalingHistory
from tests.unit.policy.figures import ABSENT, NAN, STALE, at, bounds, busy, idle, present, slo
from tests.unit.policy.scaler import Scaler

AT_ONCE = bounds(down="0s")


@pytest.mark.parametrize(
    ("ttft", "replicas"),
    [
        (0.00, 2),  # no more than three tenths go at once
        (0.10, 2),
        (0.37, 2),
        (0.49, 2),
        (0.50, 3),  # the band within which nothing happens
        (0.75, 3),
        (0.90, 3),
        (0.91, 4),
        (1.00, 4),
        (1.01, 5),
        (1.26, 6),
        (9.99, 6),  # no more than double
    ],
)
def test_replicas_follow_the_latency_over_its_target(ttft: float, replicas: int) -> None:
    assert Scaler(AT_ONCE, slo(), 3).decide(0, busy(ttft, pods=3)).value == replicas


@pytest.mark.parametrize(("ready", "fewer"), [(2, 1), (3, 2), (4, 3), (10, 7), (20, 14)])
def test_no_more_than_three_tenths_go_at_once_and_one_may_always_go(ready: int, fewer: int) -> None:
    assert Scaler(bounds(most=20, down="0s"), slo(), ready).decide(0, busy(0.01, pods=ready)).value == fewer


@pytest.mark.parametrize(
    ("ttft", "itl", "replicas", "named"),
    [
        (2.0, 0.040, 4, "TTFT p90 is 2.00 s of 1.00 s, 5 s old"),
        (0.8, 0.080, 4, "ITL p90 is 80 ms of 50 ms, 5 s old"),
        (1.0, 0.080, 4, "ITL"),
        (0.8, 0.040, 2, "2 replicas will do"),
        (0.1, 0.040, 2, "ITL"),
        (0.1, 0.005, 1, "would do"),
        (2.0, NAN, 4, "TTFT"),
        (NAN, 0.080, 4, "ITL"),
        (2.0, ABSENT, 4, "TTFT"),
        (0.1, NAN, 1, "TTFT"),
    ],
)
def test_each_latency_asks_and_the_larger_wins(ttft: Any, itl: Any, replicas: int, named: str) -> None:
    decision = Scaler(AT_ONCE, slo("1s", "50ms"), 2).decide(0, busy(ttft, itl))
    assert (decision.value, decision.valid) == (replicas, True)
    assert named in decision.reason


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (DeploymentSnapshot(), "TTFT p90 is absent; ITL p90 is absent"),
        (busy(ABSENT, ABSENT), "TTFT p90 is absent"),
        (busy(STALE, STALE), "TTFT p90 is stale (90 s old)"),
        (busy(0.1, ABSENT), "ITL p90 is absent"),
        (busy(0.1, STALE), "ITL p90 is stale"),
        (busy(NAN, NAN), "requests may be in flight"),
        (busy(NAN, STALE), "ITL p90 is stale"),
        (busy(0.1, 0.001, pods=1), "only 1 of 2 ready pods report"),
        (replace(busy(0.1, 0.001), reporting_pods=ABSENT), "the number of pods that report is absent"),
        (replace(busy(0.1, 0.001), tokens=ABSENT), "the token rate is absent"),
        (replace(idle(), running=ABSENT), "requests may be in flight"),
        (replace(idle(), waiting=STALE), "requests may be in flight"),
        (replace(idle(), ttft=ABSENT), "TTFT p90 is absent"),
        (idle(pods=1), "only 1 of 2 ready pods report"),
    ],
)
def test_nothing_shrinks_without_the_whole_picture(snapshot: DeploymentSnapshot, says: str) -> None:
    decision = Scaler(AT_ONCE, slo("1s", "50ms"), 2).decide(0, snapshot)
    assert (decision.value, decision.valid) == (2, False)
    assert says in decision.reason


def test_bounds_hold_even_when_nothing_is_known() -> None:
    assert Scaler(bounds(fewest=3), slo(), 1).decide(0, DeploymentSnapshot()).value == 3
    assert Scaler(bounds(most=3), slo(), 8).decide(0, DeploymentSnapshot()).value == 3
    assert Scaler(bounds(most=3), slo(), 2).decide(0, busy(9.0)).reason.endswith("bounded by 1 to 3")


def test_a_new_deployment_starts_at_its_least() -> None:
    assert Scaler(bounds(fewest=2), slo(), 0).decide(0, DeploymentSnapshot()).value == 2


def test_replicas_that_the_user_set_win_and_nothing_is_remembered() -> None:
    scaler = Scaler(bounds(most=4), slo(), 2)
    decision = scaler.decide(0, busy(9.0), fixed=7)
    assert (decision.value, decision.valid) == (7, True)
    assert "spec.replicas is set" in decision.reason
    assert scaler.history == ScalingHistory()


@pytest.mark.parametrize(("current", "replicas"), [(1, 2), (3, 3), (9, 4)])
def test_without_an_slo_replicas_stay_within_their_bounds(current: int, replicas: int) -> None:
    decision = Scaler(bounds(2, 4), None, current).decide(0, busy(9.0))
    assert (decision.value, decision.valid) == (replicas, True)


def test_fewer_replicas_must_be_wished_for_during_the_whole_window() -> None:
    scaler = Scaler(bounds(down="300s"), slo(), 2)
    table = [
        # seconds, TTFT, replicas
        (0, 0.8, 2),
        (15, 0.1, 2),
        (150, 0.1, 2),
        (299, 0.1, 2),  # what was there at 0 s was wished for
        (300, 0.1, 1),
    ]
    assert [scaler.follow(seconds, busy(ttft)) for seconds, ttft, _ in table] == [row[-1] for row in table]


def test_one_moment_under_load_keeps_the_replicas_for_a_window() -> None:
    scaler = Scaler(bounds(down="300s"), slo(), 2)
    table = [(0, 0.1, 2), (200, 0.7, 2), (400, 0.1, 2), (499, 0.1, 2), (500, 0.1, 1)]
    assert [scaler.follow(seconds, busy(ttft)) for seconds, ttft, _ in table] == [row[-1] for row in table]


def test_a_gap_in_the_figures_counts_as_load() -> None:
    scaler = Scaler(bounds(down="300s"), slo(), 2)
    table = [(0, busy(0.1), 2), (200, DeploymentSnapshot(), 2), (400, busy(0.1), 2), (501, busy(0.1), 1)]
    assert [scaler.follow(seconds, snapshot) for seconds, snapshot, _ in table] == [row[-1] for row in table]


def test_a_held_shrinking_says_how_long_it_is_held() -> None:
    scaler = Scaler(bounds(down="300s"), slo(), 2)
    scaler.follow(0, busy(0.8))
    decision = scaler.decide(100, busy(0.1))
    assert "TTFT p90 is 100 ms of 1.00 s, 5 s old: 1 replica would do" in decision.reason
    assert "200 s more" in decision.reason
    assert decision.until == at(300)


def test_more_replicas_must_be_wished_for_during_their_window() -> None:
    scaler = Scaler(bounds(up="60s"), slo(), 2)
    table = [(0, 2.0, 2), (30, 2.0, 2), (45, 0.8, 2), (60, 2.0, 2), (90, 2.0, 2), (106, 2.0, 4)]
    assert [scaler.follow(seconds, busy(ttft)) for seconds, ttft, _ in table] == [row[-1] for row in table]


def test_idle_replicas_go_down_to_the_least_at_once_after_the_window() -> None:
    scaler = Scaler(bounds(fewest=2, down="300s"), slo(), 8)
    table = [(0, busy(0.7, pods=8), 8), (15, idle(8), 8), (285, idle(8), 8), (300, idle(8), 2)]
    assert [scaler.follow(seconds, snapshot) for seconds, snapshot, _ in table] == [row[-1] for row in table]


def test_pods_that_are_starting_are_not_counted_twice() -> None:
    scaler = Scaler(bounds(), slo(), 2)
    assert scaler.follow(0, busy(1.5)) == 4
    table = [
        # seconds, TTFT, ready, replicas
        (15, 1.5, 2, 4),
        (60, 1.5, 2, 4),
        (75, 3.0, 2, 4),
        (90, 1.5, 3, 4),
    ]
    assert [scaler.follow(s, busy(ttft, pods=ready), ready) for s, ttft, ready, _ in table] == [r[-1] for r in table]
    assert "3 ready, 1 of 4 replicas starting" in scaler.decide(95, busy(1.0, pods=3), ready=3).reason


def test_latencies_from_before_the_newest_replica_ask_for_nothing() -> None:
    scaler = Scaler(bounds(), slo(), 2)
    table = [
        # seconds, TTFT, ready, replicas
        (0, 2.0, 2, 4),
        (60, 2.0, 2, 4),
        (75, 2.0, 4, 4),  # both became ready; the window still holds what was before
        (120, 1.5, 4, 4),
        (135, 1.5, 4, 8),  # a minute later it counts
    ]
    assert [scaler.follow(s, busy(ttft, pods=ready), ready) for s, ttft, ready, _ in table] == [r[-1] for r in table]


def test_pods_on_their_way_out_do_not_count_as_capacity() -> None:
    decision = Scaler(AT_ONCE, slo(), 2).decide(0, busy(1.2, pods=4), ready=4)
    assert decision.value == 4  # of 2 that stay, not of 4


def test_no_replica_ready_holds() -> None:
    decision = Scaler(AT_ONCE, slo(), 3).decide(0, idle(), ready=0)
    assert (decision.value, decision.valid) == (3, False)


def test_a_queue_without_first_tokens_asks_for_more_once_it_stands_longer_than_the_target() -> None:
    stuck = replace(busy(NAN), arrivals=present(0), waiting=present(12))
    scaler = Scaler(bounds(), slo("30s"), 2)
    table = [(0, stuck, 2), (30, stuck, 2), (31, stuck, 4)]
    assert [scaler.follow(seconds, snapshot) for seconds, snapshot, _ in table] == [row[-1] for row in table]
    scaler = Scaler(bounds(), slo("30s"), 2)
    table = [(0, stuck, 2), (20, busy(0.5), 2), (31, stuck, 2), (50, stuck, 2)]
    assert [scaler.follow(seconds, snapshot) for seconds, snapshot, _ in table] == [row[-1] for row in table]


def test_a_number_that_was_too_few_is_not_tried_again_under_the_same_load() -> None:
    scaler = Scaler(AT_ONCE, slo(), 2)
    assert scaler.follow(0, busy(1.2, tokens=10)) == 4
    assert scaler.follow(100, busy(0.1, pods=4, tokens=10)) == 3
    decision = scaler.decide(200, busy(0.1, pods=3, tokens=9))
    assert decision.value == 3
    assert "2 were too few at 10 tokens/s, and it is 9 now: 3 replicas stay" in decision.reason
    assert scaler.decide(200, busy(0.1, pods=3, tokens=7)).value == 2


def test_a_number_that_did_is_no_miss() -> None:
    scaler = Scaler(AT_ONCE, slo(), 3)
    assert scaler.follow(0, busy(0.8, pods=3, tokens=10)) == 3
    scaler.replicas = 4
    assert scaler.follow(100, busy(0.1, pods=4, tokens=10)) == 3


@pytest.mark.parametrize(("tokens", "replicas", "says"), [(12, 4, "back to the 4"), (13, 6, "6 wanted")])
def test_when_fewer_were_too_few_the_number_before_comes_back(tokens: float, replicas: int, says: str) -> None:
    scaler = Scaler(AT_ONCE, slo(), 4)
    assert scaler.follow(0, busy(0.1, pods=4, tokens=10)) == 3
    decision = scaler.decide(100, busy(1.9, pods=3, tokens=tokens))
    assert decision.value == replicas
    assert says in decision.reason


def test_what_was_enough_before_a_shrinking_is_forgotten_after_ten_minutes() -> None:
    scaler = Scaler(AT_ONCE, slo(), 4)
    scaler.follow(0, busy(0.1, pods=4, tokens=10))
    assert scaler.decide(600, busy(1.9, pods=3, tokens=10)).value == 6


def test_a_miss_is_forgotten_after_an_hour() -> None:
    scaler = Scaler(AT_ONCE, slo(), 2)
    scaler.follow(0, busy(1.2, tokens=10))
    scaler.replicas = 3
    assert scaler.decide(3599, busy(0.1, pods=3, tokens=10)).value == 3
    assert scaler.decide(3600, busy(0.1, pods=3, tokens=10)).value == 2


def test_a_restarted_operator_shrinks_nothing_for_a_window() -> None:
    scaler = Scaler(bounds(down="300s"), slo(), 4)
    assert scaler.follow(0, idle(4)) == 4
    assert scaler.follow(299, idle(4)) == 4
    assert scaler.follow(300, idle(4)) == 1


def test_a_pod_that_comes_and_goes_does_not_hold_the_growth_of_the_others() -> None:
    scaler = Scaler(bounds(), slo(), 2)
    scaler.follow(0, busy(0.8))
    for seconds in range(15, 90, 30):  # ready, not ready, ready: each time within what counts as a growth
        scaler.decide(seconds, busy(0.8, pods=1), ready=1)
        scaler.decide(seconds + 15, busy(0.8), ready=2)
    assert scaler.follow(100, busy(1.5)) == 4


def test_replicas_that_come_back_after_a_shrinking_are_a_growth() -> None:
    scaler = Scaler(AT_ONCE, slo(), 4)
    assert scaler.follow(0, busy(0.1, pods=4)) == 3
    assert scaler.follow(100, busy(1.2, pods=3)) == 4
    scaler.decide(115, busy(1.2, pods=3), ready=3)
    decision = scaler.decide(200, busy(2.0, pods=4))
    assert (decision.value, "before the newest replica was ready 0 s ago" in decision.reason) == (4, True)


def test_the_same_figures_shrink_the_fleet_only_once_even_without_a_window() -> None:
    scaler = Scaler(AT_ONCE, slo(), 4)
    table = [(0, 0.1, 3), (1, 0.1, 3), (59, 0.1, 3), (60, 0.1, 2)]
    assert [scaler.follow(seconds, busy(ttft, pods=4)) for seconds, ttft, _ in table] == [row[-1] for row in table]
    scaler.spec = bounds(most=1)
    assert scaler.follow(61, busy(0.1, pods=4)) == 1  # a bound is not a wish


def test_a_latency_of_nothing_at_all_leaves_a_replica() -> None:
    decision = Scaler(AT_ONCE, slo("640s"), 1).decide(0, busy(0.0, pods=1))
    assert decision.value == 1
    assert decision.reason.endswith("1 replica will do")


def test_a_queue_stands_on_while_nobody_can_say_otherwise() -> None:
    stuck = replace(busy(NAN), arrivals=present(0), waiting=present(12))
    scaler = Scaler(bounds(), slo("30s"), 2)
    table = [(0, stuck, 2), (15, replace(stuck, waiting=STALE), 2), (31, stuck, 4)]
    assert [scaler.follow(seconds, snapshot) for seconds, snapshot, _ in table] == [row[-1] for row in table]


def test_a_miss_without_a_token_served_says_nothing_of_the_load() -> None:
    scaler = Scaler(AT_ONCE, slo(), 2)
    assert scaler.follow(0, busy(9.0, tokens=0)) == 4
    assert scaler.follow(100, busy(0.1, pods=4, tokens=10)) == 3
    assert scaler.follow(200, busy(0.1, pods=3, tokens=10)) == 2


def test_what_is_remembered_does_not_grow_with_the_windows() -> None:
    scaler = Scaler(bounds(most=20, up="30d", down="30d"), slo(), 4)
    for step in range(500):
        scaler.decide(step * 15, busy(step % 7 / 4, pods=4))
    assert len(scaler.history.recommendations) <= 2 * 20
