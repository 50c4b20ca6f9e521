"""Scaling laws side by side, each with one knob that makes it more or less generous."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.control.scenarios import Scenario
from cake_operator.api import LatencyTarget, PositiveDuration, ScalingSpec, SloSpec
from cake_operator.policy.laws import Laws
from cake_simulator.policies.foreknowing import Foreknowing
from cake_simulator.policies.hpa import Hpa, in_flight, queue
from cake_simulator.policies.kpa import Kpa
from cake_simulator.policies.operator import Operator
from cake_simulator.policies.policy import ScalingPolicy
from cake_simulator.policies.slo_ratio import SloRatio
from cake_simulator.policies.static import Static
from cake_simulator.setup import Setup

MOST = 16


@dataclass(frozen=True)
class Contender:
    """A law and the settings of its knob, the most generous last.

    Attributes:
        name: In words.
        knob: What the settings are.
        settings: Its values.
        make: The law for a setting, a scenario and a run.
    """

    name: str
    knob: str
    settings: Sequence[float]
    make: Callable[[float, Scenario, Setup], ScalingPolicy]


def _operator(target: float, _: Scenario, setup: Setup) -> ScalingPolicy:
    slo = SloSpec(ttft=LatencyTarget(target=PositiveDuration(f"{round(1000 * target)}ms")))
    scaling = ScalingSpec(min_replicas=1, max_replicas=MOST)
    return Operator(scaling, slo, Laws.of(setup.sampling).scaling)


def _oracle(replicas: float, scenario: Scenario, setup: Setup) -> ScalingPolicy:
    return Foreknowing(scenario.rate, replicas, setup.hardware.cold_start_seconds + 2 * setup.interval)


STATIC, OURS, ORACLE = "static", "ours", "oracle"

CONTENDERS = (
    Contender(STATIC, "replicas", (3, 4, 5), lambda setting, *_: Static(int(setting))),
    Contender("HPA, queue", "waiting for each pod", (0.5, 0.25, 0.12), lambda setting, *_: Hpa(queue, setting)),
    Contender("KEDA, in flight", "in flight for each pod", (3, 2, 1.5), lambda setting, *_: Hpa(in_flight, setting)),
    Contender("KPA", "in flight for each pod", (2, 1, 0.6), lambda setting, *_: Kpa(setting)),
    Contender("llm-d SLO", "TTFT target, s", (15, 10, 7.5), lambda setting, *_: SloRatio(setting)),
    Contender(OURS, "TTFT target, s", (5, 2, 1), _operator),
    Contender(ORACLE, "replicas for the trace's rate", (7, 9, 12), _oracle),
)
