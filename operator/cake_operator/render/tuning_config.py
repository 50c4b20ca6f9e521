"""The ConfigMap with the knobs that change while engines serve; pods mount it as a folder and never restart for it."""

from __future__ import annotations

from typing import Any

from cake_engine.config import Knobs, LiveConfig
from cake_operator.api import BalanceSpec, CakeDeployment, CakeDeploymentSpec
from cake_operator.render.naming import TUNING_KEY, metadata_of, tuning_name


def live_config(
    balance: BalanceSpec, knobs: Knobs, generation: int, first_token_seconds: float | None = None
) -> LiveConfig:
    """What the engines are told: the user's mode, the decided knobs, and the deadline for which levels are chosen."""
    return LiveConfig(
        generation=generation,
        mode=balance.mode,
        static_meeting_point=balance.static_meeting_point,
        first_token_seconds=first_token_seconds,
        **{name: getattr(knobs, name) for name in Knobs.model_fields},
    )


def first_token_deadline(spec: CakeDeploymentSpec) -> float | None:
    """Seconds within which a first token is promised; None where that is not, or tiers below memory have one codec."""
    codecs = {tier.codec for tier in spec.kv_tiers if tier.memory is None}
    ttft = spec.slo.ttft if spec.slo else None
    return ttft.target.seconds if ttft and len(codecs) > 1 else None


def next_live(
    balance: BalanceSpec,
    knobs: Knobs,
    current: LiveConfig | None,
    reached: int,
    first_token_seconds: float | None = None,
) -> LiveConfig:
    """The live configuration to write: `current` where nothing changes, else one of a generation never used before.

    Args:
        balance: The user's mode.
        knobs: What was decided.
        current: The live configuration in the cluster; None where there is none that can be read.
        reached: The newest generation that was ever reported, so that none is used twice for different knobs.
        first_token_seconds: As `first_token_deadline` has it.
    """
    if current is not None and current.generation >= reached:
        if (same := live_config(balance, knobs, current.generation, first_token_seconds)) == current:
            return same
        reached = current.generation
    return live_config(balance, knobs, reached + 1, first_token_seconds)


def knobs_of(live: LiveConfig) -> Knobs:
    """The tunable part of a live configuration."""
    return Knobs(**{name: getattr(live, name) for name in Knobs.model_fields})


def tuning_config_map(resource: CakeDeployment, live: LiveConfig) -> dict[str, Any]:
    """ConfigMap NAME-tuning."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(resource, tuning_name(resource.metadata.name)),
        "data": {TUNING_KEY: live.to_json()},
    }
