"""Between how many replicas the SLO may scale, and how steadily."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from cake_operator.api.durations import Duration
from cake_operator.api.rules import Rule, SpecPart

Replicas = Annotated[int, Field(ge=1, le=1000)]
Fewest = Annotated[int, Field(ge=0, le=1000)]


class ScalingSpec(SpecPart):
    """Scaling by the SLO. It stands back where `spec.replicas` is set."""

    min_replicas: Fewest = Field(
        default=1,
        description="The fewest replicas. With 0 none runs while nobody asks, if a gateway says by the series"
        " cake_held_requests when somebody does; where it does not say, one runs.",
    )
    max_replicas: Replicas = Field(default=1, description="The most replicas.")
    scale_up_stabilization: Duration = Field(
        default=Duration("0s"), description="How long more replicas must be asked for without a break."
    )
    scale_down_stabilization: Duration = Field(
        default=Duration("300s"), description="How long fewer replicas must be asked for without a break."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minReplicas <= self.maxReplicas",
            "minReplicas is above maxReplicas: raise maxReplicas or lower minReplicas",
            lambda scaling: scaling.min_replicas <= scaling.max_replicas,
        ),
    )
