"""What the operator reports. Everything is optional: a status is written piece by piece, and read leniently."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cake_operator.api.balance import KnobsSpec

ConditionStatus = Literal["True", "False", "Unknown"]


class StatusPart(BaseModel):
    """A part of the status: camelCase in JSON, immutable, fields of a newer operator ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class Condition(StatusPart):
    """One thing that holds, does not hold, or is not known, and since when."""

    type: str = Field(
        description="What the condition is about: Ready, Progressing, SLOMet, MetricsAvailable, BalanceApplied,"
        " TierDegraded or ReplicasContested."
    )
    status: ConditionStatus = Field(description="Whether it holds.")
    reason: str = Field(default="", description="One word for programs.")
    message: str = Field(default="", description="A sentence for people.")
    last_transition_time: str | None = Field(
        default=None, description="When `status` last changed.", json_schema_extra={"format": "date-time"}
    )
    observed_generation: int | None = Field(default=None, description="The generation of the spec that was judged.")


class SloStatus(StatusPart):
    """The measured latencies, and whether they meet the targets."""

    ttft: str | None = Field(default=None, description="The measured percentile, as in `0.42s`.")
    inter_token_latency: str | None = Field(default=None, description="The measured percentile, as in `31ms`.")
    state: str | None = Field(
        default=None, description="Met, Missed, Unknown (no fresh figures) or None (no slo in the spec)."
    )


class ScalingStatus(StatusPart):
    """The last decision about replicas."""

    desired_replicas: int | None = Field(default=None, description="How many replicas shall run.")
    reason: str | None = Field(default=None, description="Which figure asked for them.")
    valid: bool | None = Field(
        default=None, description="False while figures are missing or stale, and the replicas are held."
    )


class BalanceStatus(StatusPart):
    """What the engines do, and what they have confirmed."""

    mode: str | None = Field(default=None, description="The mode that the engines are told.")
    generation: int | None = Field(
        default=None, description="The generation of the live settings: raised with every change of them."
    )
    confirmed_generation: int | None = Field(
        default=None, description="The oldest generation that a ready pod runs with, as last reported by all of them."
    )
    retain_from: float | None = Field(default=None, description="The present `knobs.retainFrom`.")
    meeting_point: float | None = Field(
        default=None,
        description="Measured fraction of stored prefixes that was computed: 0 all loaded, 1 all computed.",
    )
    predicted_meeting_point: float | None = Field(
        default=None, description="The same fraction as it was expected when each prefix was planned."
    )
    reason: str | None = Field(default=None, description="Why the knobs are as they are.")
    recommendation: KnobsSpec | None = Field(default=None, description="With tuning Recommend: what Auto would set.")


class StartupStatus(StatusPart):
    """How long engines take to start."""

    longest_seconds: int | None = Field(
        default=None, description="The longest time from the start of an engine to its first answer that was seen."
    )
    allowed_seconds: int | None = Field(
        default=None, description="How long a start may take, by the Deployment as it is, until it is begun anew."
    )


class CakeDeploymentStatus(StatusPart):
    """What was observed last."""

    observed_generation: int | None = Field(default=None, description="The generation of the spec that was acted on.")
    replicas: int | None = Field(default=None, description="Pods that exist.")
    ready_replicas: int | None = Field(default=None, description="Pods that answer.")
    selector: str | None = Field(default=None, description="The label selector of the pods, for autoscalers.")
    conditions: Annotated[
        list[Condition],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = Field(default=[], description="What holds.")
    slo: SloStatus | None = Field(default=None, description="Latency against the targets.")
    scaling: ScalingStatus | None = Field(default=None, description="The last decision about replicas.")
    balance: BalanceStatus | None = Field(default=None, description="The balance of compute and load.")
    startup: StartupStatus | None = Field(default=None, description="How long engines take to start.")
