"""Figures, specs and moments to build cases from."""

from datetime import UTC, datetime, timedelta

from cake_operator.api import Duration, LatencyTarget, PositiveDuration, ScalingSpec, SloSpec
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure, State

START = datetime(2026, 1, 1, tzinfo=UTC)
STALE = Figure(None, 90.0, State.STALE)
NAN = Figure(None, 5.0, State.NAN)
ABSENT = Figure(None, None, State.ABSENT)


def at(seconds: float) -> datetime:
    """This many seconds after the start."""
    return START + timedelta(seconds=seconds)


def present(value: float) -> Figure:
    """A figure five seconds old."""
    return Figure.present(value, 5.0)


def slo(ttft: str | None = "1s", itl: str | None = None) -> SloSpec:
    """An SLO of p90 latencies."""
    targets = [None if text is None else LatencyTarget(target=PositiveDuration(text)) for text in (ttft, itl)]
    return SloSpec(ttft=targets[0], inter_token_latency=targets[1])


def bounds(fewest: int = 1, most: int = 10, up: str = "0s", down: str = "300s") -> ScalingSpec:
    """Bounds and stabilisation windows."""
    return ScalingSpec(
        min_replicas=fewest,
        max_replicas=most,
        scale_up_stabilization=Duration(up),
        scale_down_stabilization=Duration(down),
    )


def busy(
    ttft: float | Figure = 0.8, itl: float | Figure = ABSENT, pods: float = 2, tokens: float = 5000.0
) -> DeploymentSnapshot:
    """Under load, every pod reporting."""
    return DeploymentSnapshot(
        ttft=ttft if isinstance(ttft, Figure) else present(ttft),
        inter_token_latency=itl if isinstance(itl, Figure) else present(itl),
        running=present(6),
        waiting=present(1),
        arrivals=present(5),
        tokens=present(tokens),
        reporting_pods=present(pods),
    )


def idle(pods: float = 2) -> DeploymentSnapshot:
    """Without a request in the window."""
    return DeploymentSnapshot(
        ttft=NAN,
        inter_token_latency=NAN,
        running=present(0),
        waiting=present(0),
        arrivals=present(0),
        tokens=present(0),
        reporting_pods=present(pods),
    )
