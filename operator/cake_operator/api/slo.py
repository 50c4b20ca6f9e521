"""The latency that users of the model are promised."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from cake_operator.api.durations import PositiveDuration
from cake_operator.api.percentages import Percentage
from cake_operator.api.rules import Rule, SpecPart


class LatencyTarget(SpecPart):
    """A percentile of a latency, and what it must stay at or below."""

    percentile: Annotated[int, Field(ge=1, le=99)] = Field(default=90, description="Which percentile is held.")
    target: PositiveDuration = Field(
        description="What the percentile must not exceed. A bound of vLLM's histogram is measured exactly: for ttft"
        " 100ms, 250ms, 500ms, 750ms, 1s, 2.5s, 5s, 7.5s, 10s, 20s; for interTokenLatency 10ms, 25ms, 50ms, 75ms,"
        " 100ms, 150ms, 200ms, 300ms."
    )


class SloSpec(SpecPart):
    """Targets for latency; they drive scaling and the status."""

    ttft: LatencyTarget | None = Field(default=None, description="Time from a request to its first token.")
    inter_token_latency: LatencyTarget | None = Field(default=None, description="Time between two tokens of a stream.")
    objective: Percentage = Field(
        default=Percentage("99%"), description="Share of the window in which the targets must be met."
    )
    window: PositiveDuration = Field(
        default=PositiveDuration("30d"), description="The time over which the objective is judged."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.ttft) || has(self.interTokenLatency)",
            "an slo needs a target: write ttft, interTokenLatency or both, as in ttft: {target: 1s}; or leave slo out",
            lambda slo: slo.ttft is not None or slo.inter_token_latency is not None,
        ),
    )

    @property
    def targets(self) -> dict[str, LatencyTarget]:
        """The latencies that are promised, by the names that metrics give them."""
        named = {"ttft": self.ttft, "inter_token_latency": self.inter_token_latency}
        return {latency: target for latency, target in named.items() if target is not None}
