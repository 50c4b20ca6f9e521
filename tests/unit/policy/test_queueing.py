"""When more replicas are asked for although the target is missed: only while they can help."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_operator.policy.pressure import pressures
from cake_operator.policy.queueing import unhelped
from cake_operator.policy.slo import judge
from tests.unit.policy.figures import ABSENT, NAN, STALE, bounds, busy, present, slo
from tests.unit.policy.scaler import Scaler

SPEC = bounds(most=64, down="0s")
unknown = st.sampled_from([ABSENT, STALE, NAN])


def unhurried(ttft: float | Figure = 6.0, itl: float | Figure = ABSENT, **figures: Any) -> DeploymentSnapshot:
    """Two pods with five requests a second, none of which waits, and half a one in execution on average."""
    calm = {"waiting": present(0), "mean_waiting": present(0), "running": present(0), "mean_running": present(0.5)}
    return replace(busy(ttft, itl), **(calm | figures))


def wished(snapshot: DeploymentSnapshot, replicas: int = 2) -> int:
    return Scaler(SPEC, slo("2s", "50ms"), replicas).decide(0, snapshot).value


@pytest.mark.parametrize(
    ("snapshot", "replicas"),
    [
        (unhurried(6.0), 2),
        (unhurried(3.1), 2),
        (unhurried(3.0), 4),  # beside a quarter of a request at each pod: alone, it could be 2 s
        (unhurried(6.0, mean_running=present(1.9)), 2),
        (unhurried(6.0, mean_running=present(2)), 4),  # one at each pod: one before it, and one beside it
        (unhurried(6.0, running=present(2)), 4),
        (unhurried(60.0, running=present(28)), 2),
        (unhurried(60.0, running=present(29)), 4),
        (unhurried(6.0, mean_waiting=present(0.49)), 2),  # 0.1 s each, of 2 s too much at p90
        (unhurried(6.0, mean_waiting=present(0.51)), 4),
        (unhurried(60.0, mean_waiting=present(9.4)), 2),  # the longer it takes alone, the less a wait matters
        (unhurried(60.0, mean_waiting=present(9.6)), 4),
        (unhurried(6.0, waiting=present(1)), 2),
        (unhurried(6.0, waiting=present(2)), 4),  # one for each pod
        (unhurried(6.0, 0.1), 4),  # the latency between tokens asks all the same
        (unhurried(6.0, 0.005), 2),  # and nothing shrinks while the target is missed
        (unhurried(6.0, waiting=STALE), 4),
        (unhurried(6.0, mean_waiting=ABSENT), 4),
        (unhurried(6.0, running=STALE), 4),
        (unhurried(6.0, mean_running=ABSENT), 4),
        (unhurried(6.0, arrivals=ABSENT), 4),
        (unhurried(6.0, arrivals=present(0)), 4),
        (unhurried(6.0, reporting_pods=ABSENT), 4),
        (unhurried(6.0, reporting_pods=present(1)), 4),  # who waits at the other nobody knows
    ],
)
def test_more_are_asked_for_only_while_requests_wait_or_it_is_not_known(
    snapshot: DeploymentSnapshot, replicas: int
) -> None:
    assert wished(snapshot) == replicas


def test_status_names_the_figures_and_what_the_target_asks_for_instead() -> None:
    snapshot, promised = unhurried(6.1, mean_waiting=present(0.1)), slo("2s")
    said = "TTFT p90 is 6.10 s of 2.00 s, 5 s old with a wait of 20 ms on average: more replicas do not shorten it"
    decision, verdict = Scaler(SPEC, promised, 2).decide(0, snapshot), judge(promised, snapshot, ready=2)
    assert decision.valid
    assert decision.reason.startswith(said)
    assert decision.reason.endswith(": 2 replicas stay")
    assert (verdict.state, verdict.helpless) == ("Missed", True)
    assert verdict.sentence.startswith(said)
    assert verdict.sentence.endswith("a lower percentile or a higher target")


@pytest.mark.parametrize(
    ("snapshot", "helpless"),
    [
        (unhurried(6.0, 0.005), True),
        (unhurried(6.0, 0.1), False),  # the latency between tokens is missed, too, and replicas shorten it
        (unhurried(1.0, 0.1), False),
        (unhurried(1.0, 0.005), False),
        (unhurried(6.0, waiting=present(9)), False),
        (unhurried(6.0, reporting_pods=present(1)), False),  # who waits at the other nobody knows
    ],
)
def test_replicas_do_not_help_only_where_they_shorten_no_latency_that_is_missed(
    snapshot: DeploymentSnapshot, helpless: bool
) -> None:
    assert judge(slo("2s", "50ms"), snapshot, ready=2).helpless == helpless


def test_a_queue_that_forms_is_answered_at_the_next_look() -> None:
    scaler = Scaler(SPEC, slo("2s"), 2)
    assert scaler.follow(0, unhurried(6.0)) == 2
    assert scaler.follow(15, unhurried(6.0, waiting=present(8), mean_waiting=present(2))) == 4


@given(st.floats(0, 100), st.floats(0, 50), st.integers(1, 20), st.integers(0, 100))
def test_no_growth_is_held_back_while_a_request_for_each_pod_waits(
    ttft: float, mean: float, pods: int, more: int
) -> None:
    snapshot = replace(busy(ttft, pods=pods), waiting=present(pods + more), mean_waiting=present(mean))
    blind = replace(snapshot, mean_waiting=ABSENT)
    assert wished(snapshot, pods) == wished(blind, pods)


@pytest.mark.parametrize("figure", ["mean_waiting", "mean_running"])
@given(st.floats(0, 100), st.floats(0, 50), st.floats(0, 50), st.integers(1, 20))
def test_a_longer_queue_and_more_in_execution_never_ask_for_fewer(
    figure: str, ttft: float, one: float, other: float, pods: int
) -> None:
    less, more = (
        wished(unhurried(ttft, reporting_pods=present(pods), **{figure: present(mean)}), pods)
        for mean in sorted((one, other))
    )
    assert less <= more


FIGURES = ["waiting", "mean_waiting", "running", "mean_running", "arrivals", "reporting_pods"]


@given(st.floats(0, 100), unknown, st.sampled_from(FIGURES))
def test_nothing_is_concluded_from_a_figure_that_is_missing(ttft: float, missing: Figure, name: str) -> None:
    snapshot = unhurried(ttft, **{name: missing})
    assert [unhelped(one, snapshot, ready=2) for one in pressures(slo("1ms", "1ms"), snapshot)] == [None, None]


@given(st.floats(0, 100), st.floats(0, 50), st.integers(1, 20))
def test_it_only_ever_holds_what_is_there(ttft: float, mean: float, pods: int) -> None:
    snapshot = unhurried(ttft, reporting_pods=present(pods), mean_waiting=present(mean))
    assert wished(snapshot, pods) in (pods, wished(replace(snapshot, mean_waiting=ABSENT), pods))
