"""How a changed spec replaces the pods that run the one before."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from cake_operator.api.durations import PositiveDuration
from cake_operator.api.rules import Rule, SpecPart

PodCount = Annotated[int, Field(ge=0, le=1000)]


class RolloutSpec(SpecPart):
    """How a changed spec replaces pods. Changes of knobs, the slo or replicas replace none."""

    max_surge: PodCount | None = Field(
        default=None,
        description="How many pods may run beside those that are asked for, GPUs included. 1 if not set: a new pod"
        " serves before an old one ends; 0 where a claim can be mounted on one node only.",
    )
    max_unavailable: PodCount | None = Field(
        default=None,
        description="How many of the pods that are asked for may be missing. 0 if not set: as many serve as before;"
        " 1 where maxSurge is 0.",
    )
    progress_deadline: PositiveDuration | None = Field(
        default=None,
        description="How long a rollout may go without one more ready pod until it counts as stuck; what serves goes"
        " on. What a start is allowed (startupTimeout) and ten minutes if not set.",
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.maxSurge) || !has(self.maxUnavailable) || self.maxSurge + self.maxUnavailable > 0",
            "maxSurge and maxUnavailable are both 0, so no pod could ever be replaced: write maxSurge: 1 where there is"
            " room (GPUs included) for one more pod, else maxUnavailable: 1",
            lambda rollout: rollout.max_surge != 0 or rollout.max_unavailable != 0,
            ".maxSurge",
        ),
    )
