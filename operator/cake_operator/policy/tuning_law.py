"""The figures by which the balance is tuned."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TuningLaw:
    """Small steps, each judged before the next.

    Attributes:
        judging: For how long a change runs on every pod before its figures count: as long as their window.
        meeting_points: Fewest meeting points that say anything of their low percentile.
        margin: How far below the low percentile of the meeting points retention stays. What is not stored cannot be
            loaded, so the meeting point never falls below it: only a margin lets it fall back.
        dead_band: Differences up to this change nothing; less than the margin.
        retain_up: Largest step that stores less.
        retain_down: Largest step that stores more: the error that costs time is corrected faster.
        slowed: Factor over the quiet read time from which reads count as slowed.
        writing: Share of the bytes read from which writes count as running.
        cut: Factor of a write bandwidth when writes slow reads.
        helped: Factor of the read time that a cut must bring to stay.
        recovery: Share of the bandwidth before the first cut that comes back in a step.
        forgetting: Time in which the quiet read time is let double: a tier may become slower for good.
        innocence: For how long writes that were cut in vain are left alone.
    """

    judging: timedelta = timedelta(seconds=180)
    meeting_points: float = 10.0
    margin: float = 0.10
    dead_band: float = 0.04
    retain_up: float = 0.05
    retain_down: float = 0.10
    slowed: float = 1.5
    writing: float = 0.1
    cut: float = 0.7
    helped: float = 0.9
    recovery: float = 0.1
    forgetting: timedelta = timedelta(hours=6)
    innocence: timedelta = timedelta(seconds=1800)


TUNING_LAW = TuningLaw()
