"""What may be written but does less than its writer expects: too soft for a refusal, so the status says it."""

from __future__ import annotations

from bisect import bisect_left

from cake_operator.api.durations import Duration
from cake_operator.api.resource import CakeDeploymentSpec

# Upper bounds in seconds of vLLM's histograms time_to_first_token_seconds and inter_token_latency_seconds
# (vllm/v1/metrics/buckets.py; a test compares). A quantile that falls between two of them is interpolated.
TTFT_BOUNDS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
INTER_TOKEN_BOUNDS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)


def slo_warnings(spec: CakeDeploymentSpec) -> tuple[str, ...]:
    """Sentences about an slo that is measured coarsely, or scaling that nothing drives; none when all is well."""
    found = []
    if spec.slo is not None and spec.slo.ttft is not None:
        found.append(_coarse("slo.ttft.target", spec.slo.ttft.target, TTFT_BOUNDS))
    if spec.slo is not None and spec.slo.inter_token_latency is not None:
        target = spec.slo.inter_token_latency.target
        found.append(_coarse("slo.interTokenLatency.target", target, INTER_TOKEN_BOUNDS))
    found.append(_idle_scaling(spec))
    return tuple(sentence for sentence in found if sentence)


def _coarse(field: str, target: Duration, bounds: tuple[float, ...]) -> str:
    seconds = target.seconds
    above = bisect_left(bounds, seconds)
    if above < len(bounds) and bounds[above] == seconds:
        return ""
    if above == len(bounds):
        return f"{field} {target} is above {_text(bounds[-1])}, the last bound of vLLM's histogram: write less"
    if above == 0:
        return f"{field} {target} is below {_text(bounds[0])}, the first bound of vLLM's histogram: write more"
    low, high = _text(bounds[above - 1]), _text(bounds[above])
    return (
        f"{field} {target} lies between two bounds of vLLM's histogram, so whether it is met is interpolated: write"
        f" {low} or {high} to have it measured"
    )


def _idle_scaling(spec: CakeDeploymentSpec) -> str:
    if spec.scaling.max_replicas == spec.scaling.min_replicas:
        return ""
    if spec.replicas is not None:
        by = "an slo, and write one" if spec.slo is None else "the slo"
        return f"scaling stands back because replicas is {spec.replicas}: remove replicas to scale by {by}"
    if spec.slo is None and spec.scaling.max_replicas == 1:
        return "scaling.minReplicas 0 is never reached without an slo: write one"
    if spec.slo is None:
        return f"scaling.maxReplicas {spec.scaling.max_replicas} is never reached without an slo: write one"
    return ""


def _text(seconds: float) -> str:
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
