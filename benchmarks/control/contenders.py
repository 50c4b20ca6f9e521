"""Scaling laws side by side, each with one knob that makes it more or less generous."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.control.scenarios import Scenario
from cake_operator.api import LatencyTarget, PositiveDuration, ScalingSpec, SloSpec
from cake_operator.policy.laws import Laws
from cake_simulator.policies.foreknowing import Foreknowing
from cake_simulator.policies.hpa import Hpa, in_flight, queue, tokens_to_come
from cake_simulator.policies.kpa import Kpa
from cake_simulator.policies.operator import Operator
from cake_simulator.policies.policy import ScalingPolicy
from cake_simulator.policies.slo_ratio import SloRatio
from cake_simulator.policies.static import Static
from cake_simulator.setup import Setup

MOST = 20
FALLBACK = 6
"""Replicas of KEDA's fallback: what the scenarios need on average."""


def _as_it_is(_: float, setup: Setup) -> Setup:
    return setup


@dataclass(frozen=True)
class Contender:
    """A law and the settings of its knob, the most generous last.

    Attributes:
        name: In words.
        knob: What the settings are.
        settings: Its values.
        make: The law for a setting, a scenario and a run.
        fitted: The run for a setting, where the law asks for another fleet to begin with, or for other figures.
    """

    name: str
    knob: str
    settings: Sequence[float]
    make: Callable[[float, Scenario, Setup], ScalingPolicy]
    fitted: Callable[[float, Setup], Setup] = _as_it_is


TARGET = 2.0


def operators_own(setup: Setup, percentile: float, fewest: int = 1) -> Operator:
    """The operator's law, with what a CakeDeployment would ask of it."""
    target = PositiveDuration(f"{round(1000 * TARGET)}ms")
    slo = SloSpec(ttft=LatencyTarget(percentile=int(percentile), target=target))
    scaling = ScalingSpec(min_replicas=fewest, max_replicas=MOST)
    return Operator(scaling, slo, Laws.of(setup.sampling).scaling)


def _oracle(replicas: float, scenario: Scenario, setup: Setup) -> ScalingPolicy:
    return Foreknowing(scenario.rate, replicas, setup.hardware.cold_start_seconds + 2 * setup.interval)


STATIC, OURS, ORACLE = "static", "ours", "oracle"

CONTENDERS = (
    Contender(
        STATIC,
        "replicas",
        (3, 4, 5, 6, 8, 10, 12),
        lambda setting, *_: Static(int(setting)),
        lambda setting, setup: replace(setup, replicas=int(setting)),
    ),
    Contender("HPA, queue", "waiting for each pod", (2, 1, 0.5, 0.25, 0.12, 0.06, 0.03), lambda n, *_: Hpa(queue, n)),
    Contender(
        "KEDA, in flight",
        "in flight for each pod",
        (3.5, 2.5, 2, 1.5, 1, 0.7, 0.5),
        lambda n, *_: Hpa(in_flight, n, FALLBACK),
    ),
    Contender(
        "KEDA, tokens",
        "thousand prompt tokens to come for each pod",
        (64, 48, 32, 24, 16, 12, 8),
        lambda thousands, *_: Hpa(tokens_to_come, 1000 * thousands, FALLBACK),
    ),
    Contender("KPA", "in flight for each pod", (2, 1.4, 1, 0.7, 0.5, 0.35, 0.25), lambda setting, *_: Kpa(setting)),
    Contender("llm-d SLO", "TTFT target, s", (15, 10, 7.5, 5, 3.5, 2, 1), lambda setting, *_: SloRatio(setting)),
    Contender(
        OURS,
        f"percentile that is promised {TARGET:g} s",
        (75, 85, 90, 93, 95, 97, 99),
        lambda percentile, _, setup: operators_own(setup, percentile),
        lambda percentile, setup: replace(setup, ttft_percentile=percentile),
    ),
    Contender(ORACLE, "replicas for the trace's rate", (6, 7, 8, 9, 10, 12, 14), _oracle),
)
