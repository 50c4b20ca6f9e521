from __future__ import annotations

from dataclasses import replace

import pytest

from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_simulator.policies.foreknowing import Foreknowing
from cake_simulator.policies.hpa import Hpa, in_flight, queue, tokens_to_come
from cake_simulator.policies.kpa import Kpa
from cake_simulator.policies.operator import Operator
from cake_simulator.policies.policy import Look, ScalingPolicy
from cake_simulator.policies.slo_ratio import SloRatio
from cake_simulator.policies.static import Static
from tests.unit.policy.figures import bounds, slo


def look(
    now: float, current: int, running: float | None = None, waiting: float | None = None, ttft: float = 0.0
) -> Look:
    def figure(value: float | None) -> Figure:
        return DeploymentSnapshot().running if value is None else Figure.present(value)

    snapshot = DeploymentSnapshot(running=figure(running), waiting=figure(waiting), ttft=figure(ttft or None))
    return Look(now, snapshot, current, current, 1, 20)


def said(policy: ScalingPolicy, *looks: Look) -> list[int]:
    return [policy.replicas(one) for one in looks]


@pytest.mark.parametrize(
    ("current", "waiting", "wished"),
    [(2, 10, 2), (2, 10.9, 2), (2, 15, 3), (2, 100, 6), (8, 200, 16), (3, 0, 3)],
)
def test_hpa_asks_for_the_sum_over_the_target_within_tolerance_and_growth(
    current: int, waiting: float, wished: int
) -> None:
    assert said(Hpa(queue, 5.0), look(0, 3, waiting=15), look(15, current, waiting=waiting))[-1] == wished


def test_hpa_shrinks_only_to_the_most_that_was_wished_for_in_five_minutes() -> None:
    policy = Hpa(in_flight, 5.0)
    looks = [look(0, 4, 15, 5), *(look(15.0 * n, 4, 5, 0) for n in range(1, 25))]
    wished = said(policy, *looks)
    assert wished[19] == 4
    assert wished[20] == 1


def test_hpa_and_kpa_keep_what_they_began_with_until_they_have_seen_their_window() -> None:
    quiet = [look(15.0 * n, 4, 1, 0) for n in range(30)]
    assert said(Hpa(in_flight, 5.0), *quiet) == [4] * 20 + [1] * 10
    assert said(Kpa(5.0), *quiet[:6]) == [4, 4, 4, 4, 2, 2]


def test_kedas_scaler_goes_by_the_tokens_that_are_to_come() -> None:
    asked = replace(look(0, 2), tokens_to_come=Figure.present(9000.0))
    assert said(Hpa(tokens_to_come, 3000.0), asked) == [3]


def test_kedas_fallback_counts_from_the_third_failure_in_a_row_and_only_if_it_is_higher() -> None:
    policy, unknown = Hpa(in_flight, 5.0, fallback=6), [look(15.0 * n, 3) for n in range(3)]
    assert said(policy, *unknown) == [3, 3, 6]
    assert said(policy, look(45, 6, 30, 0), look(60, 6), look(75, 8), look(90, 8)) == [6, 6, 8, 8]


def test_kpa_panics_from_twice_what_is_ready_and_does_not_shrink_in_it() -> None:
    policy = Kpa(10.0)
    assert said(policy, look(0, 2, 20, 0), look(15, 2, 40, 10), look(30, 5, 5, 0), look(90, 5, 5, 0)) == [2, 5, 5, 3]


def test_the_slo_law_grows_by_the_smoothed_ratio_and_shrinks_by_one_in_two_minutes() -> None:
    policy = SloRatio(2.0)
    assert said(policy, look(0, 2, 1, 0, 2.2), look(15, 4, 1, 0, 2.2)) == [4, 4]
    calm = [look(100.0 + 15 * n, 4, 1, 0, 0.2) for n in range(9)]
    assert said(policy, *calm).count(3) == 2


@pytest.mark.parametrize("policy", [Hpa(queue, 5.0), Hpa(in_flight, 5.0), Kpa(5.0), SloRatio(1.0)])
def test_what_is_not_known_changes_nothing(policy: ScalingPolicy) -> None:
    unknown = Look(0.0, DeploymentSnapshot(), 7, 7, 1, 20)
    assert policy.replicas(unknown) == 7


def test_the_operators_own_law_is_called_with_its_memory() -> None:
    policy = Operator(bounds(1, 20), slo("1s"))
    busy = look(0, 2, 5, 5, 3.0)
    assert policy.replicas(busy) == 4
    assert "TTFT p90 is 3.00 s of 1.00 s" in policy.reason
    assert Operator(bounds(1, 20), slo("1s"), fixed=3).replicas(busy) == 3


def test_the_oracle_asks_a_cold_start_before_the_load_comes() -> None:
    policy = Foreknowing(lambda now: 1.0 if now < 100 else 3.0, 2.0, 60.0)
    assert said(policy, look(0, 2), look(45, 2), look(100, 6)) == [2, 6, 6]
    assert Static(3).replicas(look(0, 1)) == 3
