"""What one engine reports: counters, histograms and gauges under the names of vLLM's and Cake's metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from cake_engine.core import metrics

TTFT_BOUNDS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
"""Upper bounds of vllm:time_to_first_token_seconds."""
ITL_BOUNDS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
"""Upper bounds of vllm:inter_token_latency_seconds."""
MEETING_BOUNDS = next(metric.buckets for metric in metrics.WORK if metric.name == metrics.MEETING_POINT)


class Histogram:
    """Counts by bucket, the last for what is above all bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += times


@dataclass
class Counters:
    """All that one engine counts, since its start.

    Attributes:
        ttft: Seconds to the first token.
        inter_token: Seconds between tokens.
        meeting: Where compute and loads met.
        chosen: The same as far as it was chosen.
        prompt_tokens: Of prompts whose prefill is done.
        generation_tokens: Generated.
        computed: Tokens of stored prefixes that were computed.
        loaded: Tokens of stored prefixes that were loaded.
        duplicated: Tokens of stored prefixes that were computed although they had been read.
        offered_compute: Seconds that computing all prompts that came would take alone.
        spared_compute: Seconds of them that prefixes on the device and loaded ones made needless.
        decode_compute: Seconds that requests added to steps in which they decoded.
        offered_load: Bytes of their stored prefixes.
        read_seconds: By tier, seconds of reads.
        reads: By tier, number of reads.
        preemptions: Requests that gave up their seat for want of KV memory.
    """

    ttft: Histogram = field(default_factory=lambda: Histogram(TTFT_BOUNDS))
    inter_token: Histogram = field(default_factory=lambda: Histogram(ITL_BOUNDS))
    meeting: Histogram = field(default_factory=lambda: Histogram(MEETING_BOUNDS))
    chosen: Histogram = field(default_factory=lambda: Histogram(MEETING_BOUNDS))
    prompt_tokens: int = 0
    generation_tokens: int = 0
    computed: int = 0
    loaded: int = 0
    duplicated: int = 0
    offered_compute: float = 0.0
    spared_compute: float = 0.0
    decode_compute: float = 0.0
    offered_load: float = 0.0
    read_seconds: dict[str, float] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    preemptions: int = 0
