"""What one reconcile decides: the policies put together, and what is left to others."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cake_engine.config import LiveConfig, Mode
from cake_operator.api import CakeDeployment
from cake_operator.apply.seeing import Seen
from cake_operator.deciding import Memory, decide
from cake_operator.observe.snapshot import NOTHING
from cake_operator.policy.laws import Laws
from cake_operator.status.starts import Starts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SLO = {"ttft": {"target": "1s"}}
BARE = Seen(deployment=None, pods=[], live=None, claim_uses=[], claims={}, replicas_owner=None)


def cake(**spec: Any) -> CakeDeployment:
    model = {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}}
    return CakeDeployment.model_validate({"metadata": {"name": "chat"}, "spec": {"model": model, **spec}})


def scaled(replicas: int, owner: str | None = None) -> Seen:
    return replace(BARE, deployment={"spec": {"replicas": replicas}}, replicas_owner=owner)


REPLICAS: dict[str, tuple[dict[str, Any], Seen, int | None]] = {
    "new": ({}, BARE, 1),
    "new, with a minimum": ({"scaling": {"minReplicas": 2, "maxReplicas": 3}}, BARE, 2),
    "fixed": ({"replicas": 5}, scaled(1), 5),
    "fixed at none": ({"replicas": 0}, scaled(1), 0),
    "fixed, against an autoscaler of the Deployment": ({"replicas": 5}, scaled(2, "hpa"), 5),
    "an autoscaler of the Deployment's, and nobody else": ({}, scaled(7, "hpa"), None),
    "an objective, against an autoscaler": ({"slo": SLO, "scaling": {"maxReplicas": 4}}, scaled(3, "hpa"), 3),
    "an objective without figures": ({"slo": SLO, "scaling": {"maxReplicas": 4}}, scaled(3), 3),
}


@pytest.mark.parametrize("which", REPLICAS)
def test_replicas_are_decided_by_whoever_may(which: str) -> None:
    spec, seen, expected = REPLICAS[which]
    decided, _ = decide(cake(**spec), seen, NOTHING, Memory("u"), laws=Laws(), reached=0, now=NOW)
    assert decided.replicas == expected
    assert decided.scaling.value == (expected if expected is not None else seen.replicas)
    assert decided.scaling.reason


KNOBS = {"balance": {"knobs": {"retainFrom": 0.2}, "tuning": "Off"}}
TUNED = {"balance": {"bounds": {"retainFrom": {}}}}
LIVE: dict[str, tuple[dict[str, Any], LiveConfig | None, int, LiveConfig]] = {
    "new": ({}, None, 0, LiveConfig()),
    "the user's knobs": (KNOBS, None, 0, LiveConfig(retain_from=0.2)),
    "unchanged": (KNOBS, LiveConfig(generation=4, retain_from=0.2), 4, LiveConfig(generation=4, retain_from=0.2)),
    "edited by hand": (KNOBS, LiveConfig(generation=4, retain_from=0.9), 4, LiveConfig(generation=5, retain_from=0.2)),
    "another mode": (
        {"balance": {"mode": "LoadOnly"}},
        LiveConfig(generation=4),
        4,
        LiveConfig(generation=5, mode=Mode.LOAD_ONLY),
    ),
    "tuned before a restart": (
        TUNED,
        LiveConfig(generation=9, retain_from=0.3),
        9,
        LiveConfig(generation=9, retain_from=0.3),
    ),
}


@pytest.mark.parametrize("which", LIVE)
def test_the_engines_are_told_what_was_decided(which: str) -> None:
    spec, live, reached, expected = LIVE[which]
    seen = replace(BARE, live=live)
    decided, _ = decide(cake(**spec), seen, NOTHING, Memory("u"), laws=Laws(), reached=reached, now=NOW)
    assert decided.live == expected


def test_a_tuned_knob_that_was_edited_by_hand_comes_back() -> None:
    tuned = LiveConfig(generation=9, retain_from=0.3)
    resource, laws = cake(**TUNED), Laws()
    _, memory = decide(resource, replace(BARE, live=tuned), NOTHING, Memory("u"), laws=laws, reached=9, now=NOW)
    edited = replace(BARE, live=LiveConfig(generation=9, retain_from=0.8))
    decided, _ = decide(resource, edited, NOTHING, memory, laws=laws, reached=9, now=NOW)
    assert decided.live == LiveConfig(generation=10, retain_from=0.3)


def test_a_number_that_another_controller_keeps_setting_is_left_to_it() -> None:
    resource, memory = cake(replicas=3), Memory("u")
    for generation in range(1, 5):
        seen = scaled(3 if generation == 1 else 7, None if generation == 1 else "hpa")
        seen = replace(seen, deployment={**(seen.deployment or {}), "metadata": {"generation": generation}})
        decided, memory = decide(resource, seen, NOTHING, memory, laws=Laws(), reached=0, now=NOW)
    assert (decided.replicas, decided.scaling.value, decided.contention.left_to) == (None, 7, "hpa")
    assert "left to hpa" in decided.scaling.reason


def test_a_start_is_measured_from_one_look_to_the_next() -> None:
    loading = {"name": "engine", "started": False, "state": {"running": {"startedAt": "2026-01-01T00:00:10Z"}}}
    there = {"type": "ContainersReady", "status": "True", "lastTransitionTime": "2026-01-01T00:00:52Z"}
    pod = {"metadata": {"name": "a"}, "status": {"containerStatuses": [loading]}}
    serving = {**pod, "status": {"containerStatuses": [{**loading, "started": True}], "conditions": [there]}}
    memory = Memory("u")
    for look in (pod, pod, serving):
        seen = replace(BARE, pods=[look])
        _, memory = decide(cake(), seen, NOTHING, memory, laws=Laws(), reached=0, now=NOW)
    assert memory.starts == Starts(longest=42)
