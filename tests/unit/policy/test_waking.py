"""Scale to zero: who may sleep, who wakes, and what holds where nobody says anything."""

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.promql import OWNER
from cake_operator.observe.queries.load import HELD
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from tests.unit.docs.test_blocks import blocks
from tests.unit.policy.figures import ABSENT, NAN, STALE, bounds, busy, idle, present, slo
from tests.unit.policy.scaler import Scaler


def sleeper(replicas: int, fewest: int = 0) -> Scaler:
    """A deployment that may sleep once nobody has asked for five minutes."""
    return Scaler(bounds(fewest, 8, up="60s"), slo("1s"), replicas)


def told(held: Figure, snapshot: DeploymentSnapshot | None = None) -> DeploymentSnapshot:
    return replace(snapshot or DeploymentSnapshot(), held=held)


def test_a_fleet_falls_asleep_when_nobody_asked_for_the_window_and_nobody_waits() -> None:
    scaler = sleeper(2)
    for seconds in range(0, 300, 15):
        assert scaler.follow(seconds, told(present(0), idle())) == 2
    assert scaler.follow(300, told(present(0), idle())) == 0
    assert scaler.decide(315, told(present(0))).valid


def test_a_fleet_wakes_with_one_pod_at_once_when_a_request_is_held() -> None:
    scaler = sleeper(0)
    assert scaler.follow(0, told(present(0))) == 0
    decision = scaler.decide(15, told(present(3)))
    assert (decision.value, decision.valid) == (1, True)
    assert "3 requests are held for one (5 s old)" in decision.reason


def test_a_pod_that_was_woken_is_waited_for_and_stays_until_nobody_asked_for_the_window() -> None:
    scaler = sleeper(0)
    scaler.follow(0, told(present(0)))
    assert scaler.follow(15, told(present(1))) == 1
    for seconds in range(30, 120, 15):
        assert scaler.follow(seconds, told(present(0)), ready=0) == 1
    for seconds in range(120, 405, 15):
        assert scaler.follow(seconds, told(present(0), idle(1))) == 1
    assert scaler.follow(405, told(present(0), idle(1))) == 0


def test_a_fleet_that_is_asked_does_not_sleep() -> None:
    scaler = sleeper(1)
    assert [scaler.follow(15 * n, told(present(0), busy(0.1, NAN, pods=1))) for n in range(40)] == [1] * 40


@pytest.mark.parametrize("unknown", [ABSENT, STALE, NAN])
def test_where_nobody_says_whether_requests_are_held_what_is_stays(unknown: Figure) -> None:
    awake, asleep = sleeper(1), sleeper(0)
    assert [awake.follow(15 * n, told(unknown, idle(1))) for n in range(40)] == [1] * 40
    asleep.follow(0, told(present(0)))
    decision = asleep.decide(15, told(unknown))
    assert (decision.value, decision.valid) == (0, False)


def test_a_fleet_of_which_nothing_is_known_yet_gets_a_pod() -> None:
    assert sleeper(0).decide(0, told(ABSENT)).value == 1
    assert Scaler(bounds(0, 8), None, 0).decide(0, told(ABSENT)).value == 1


@given(st.integers(1, 8), st.one_of(st.sampled_from([ABSENT, STALE, NAN]), st.floats(0, 1e6).map(present)))
def test_a_fleet_that_may_not_sleep_does_not(fewest: int, held: Figure) -> None:
    scaler = sleeper(fewest, fewest)
    assert [scaler.follow(60 * n, told(held, idle(fewest))) for n in range(12)] == [fewest] * 12


def test_the_rule_that_the_page_shows_makes_the_series_that_is_asked_for() -> None:
    ((_, text),) = (one for one in blocks("yaml") if one[0].endswith("scale-to-zero.md") and HELD in one[1])
    (rule,) = yaml.safe_load(text)["groups"][0]["rules"]
    assert rule["record"] == HELD
    assert rule["labels"].keys() == set(OWNER)
