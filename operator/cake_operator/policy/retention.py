"""Retention follows the meeting points: heads of prefixes that are always computed again need no storage."""

from dataclasses import dataclass

from cake_operator.api import FractionBounds
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.tuning_law import TuningLaw


@dataclass(frozen=True, slots=True)
class RetentionStep:
    """Where retention shall begin, and why; when not valid, where it is for lack of figures."""

    retain_from: float
    reason: str
    valid: bool = True


def retain(current: float, snapshot: DeploymentSnapshot, bounds: FractionBounds, law: TuningLaw) -> RetentionStep:
    """Go one step toward a margin below the low percentile of the meeting points.

    Args:
        current: Fraction of a prefix below which blocks are evicted first, now.
        snapshot: What was measured.
        bounds: How far the tuner may go.
        law: Margin, steps and dead band.
    """
    low, number = snapshot.meeting_point_low, snapshot.meeting_points
    if number.value is None:
        return RetentionStep(current, f"the number of meeting points {number.why_not}", valid=False)
    if number.value < law.meeting_points:
        return RetentionStep(current, f"{number.value:.0f} meeting points of the {law.meeting_points:.0f} it takes")
    if low.value is None:
        return RetentionStep(current, f"p10 of the meeting points {low.why_not}", valid=False)
    fitting = bounds.within(low.value - law.margin)
    measured = f"p10 of {number.value:.0f} meeting points is {low.value:.2f}, {low.age_seconds or 0:.0f} s old"
    if abs(fitting - current) <= law.dead_band:
        return RetentionStep(current, f"{measured}: retention from {current:.2f} fits")
    step = min(max(fitting - current, -law.retain_down), law.retain_up)
    # Two digits: a change too small to see is not worth a generation. Toward what is stored longer.
    retain_from = bounds.within(int((current + step) * 100 + 1e-9) / 100)
    freed = (
        f"{abs(retain_from - current):.0%} of what prefixes take of memory is {'free' if step > 0 else 'theirs again'}"
    )
    return RetentionStep(retain_from, f"{measured}: retention from {current:.2f} to {retain_from:.2f}, so that {freed}")
