"""How hard the latencies press on the SLO: what was measured, over what was promised."""

from dataclasses import dataclass
from enum import StrEnum

from cake_operator.api import SloSpec
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure


class Latency(StrEnum):
    """The latencies that an SLO can name."""

    TTFT = "TTFT"
    """Time to the first token."""
    ITL = "ITL"
    """Time between two tokens."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """One latency beside its target.

    Attributes:
        latency: Which latency.
        percentile: Its percentile, 0 to 100.
        figure: What was measured, in seconds.
        target: What was promised, in seconds.
    """

    latency: Latency
    percentile: float
    figure: Figure
    target: float

    @property
    def ratio(self) -> float | None:
        """Measured over promised; None when it cannot be acted on."""
        return None if self.figure.value is None else self.figure.value / self.target

    def __str__(self) -> str:
        name = f"{self.latency} p{self.percentile:g}"
        if self.figure.value is None:
            return f"{name} {self.figure.why_not}"
        age = f", {self.figure.age_seconds:.0f} s old" if self.figure.age_seconds is not None else ""
        return f"{name} is {seconds(self.figure.value)} of {seconds(self.target)}{age}"


def pressures(slo: SloSpec | None, snapshot: DeploymentSnapshot) -> list[Pressure]:
    """The latencies that the SLO names; none without an SLO."""
    if slo is None:
        return []
    named = (
        (Latency.TTFT, slo.ttft, snapshot.ttft),
        (Latency.ITL, slo.inter_token_latency, snapshot.inter_token_latency),
    )
    return [
        Pressure(latency, wanted.percentile, figure, wanted.target.seconds)
        for latency, wanted, figure in named
        if wanted is not None
    ]


def stalled(snapshot: DeploymentSnapshot) -> bool | None:
    """Whether requests wait while no first token is seen at all; None when that is not known."""
    waiting, arrivals = snapshot.waiting.value, snapshot.arrivals.value
    return None if waiting is None or arrivals is None else waiting > 0 and arrivals == 0


def seconds(value: float) -> str:
    """A latency for people: milliseconds below a second.

    >>> seconds(0.0312), seconds(1.234)
    ('31 ms', '1.23 s')
    """
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
