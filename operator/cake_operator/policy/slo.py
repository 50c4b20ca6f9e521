"""Whether the SLO is met now."""

from dataclasses import dataclass
from enum import StrEnum

from cake_operator.api import SloSpec
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.pressure import Pressure, pressures, stalled
from cake_operator.policy.queueing import unhelped


class SloState(StrEnum):
    """What can be said of an SLO."""

    MET = "Met"
    MISSED = "Missed"
    UNKNOWN = "Unknown"
    """Figures are absent, stale or not a number."""
    NONE = "None"
    """No SLO is set."""


@dataclass(frozen=True, slots=True)
class SloVerdict:
    """Whether the SLO is met, and the sentence that says by which figures.

    Attributes:
        state: Whether it is.
        sentence: By which figures.
        helpless: Whether it is missed, and more replicas would shorten no latency that is above its target.
    """

    state: SloState
    sentence: str
    helpless: bool = False


def judge(slo: SloSpec | None, snapshot: DeploymentSnapshot, ready: int) -> SloVerdict:
    """Judge the latencies at the percentiles that the SLO names.

    One latency above its target is enough to miss it, whatever is known of the other; it is met when none is above and
    each is known or had no requests.

    Args:
        slo: What is promised.
        snapshot: What was measured.
        ready: Pods that take requests.
    """
    found = pressures(slo, snapshot)
    if not found:
        return SloVerdict(SloState.NONE, "No SLO is set: set spec.slo to have one.")
    missed = [p for p in found if p.ratio is not None and p.ratio > 1]
    if missed:
        told = [unhelped(one, snapshot, ready) or one for one in missed]
        helpless = not any(one in missed for one in told)
        return SloVerdict(SloState.MISSED, "; ".join(map(str, told)), helpless)
    if any(p.figure.unknown for p in found) or all(p.ratio is None for p in found):
        sentence = _sentence([p for p in found if p.ratio is None])
        if stalled(snapshot):
            sentence += f", while {snapshot.waiting.value:g} requests wait and none gets a first token"
        return SloVerdict(SloState.UNKNOWN, sentence)
    return SloVerdict(SloState.MET, _sentence(found))


def _sentence(found: list[Pressure]) -> str:
    return "; ".join(map(str, found))
