"""The figures by which the balance is tuned."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TuningLaw:
    """Small steps, each judged before the next.

    Attributes:
        judging: For how long a change runs on every pod before meeting points count: as long as their window.
        reading: The same of reads and writes, whose window is shorter: they come by the thousand.
        changes_an_hour: Most changes within any hour, but for those that take one back.
        reads: Fewest reads in their window that say anything of their mean time. Those of one volume differ by about
            half of it, so that two such means differ by 7% by chance: less than what a cut has to bring.
        meeting_points: Fewest meeting points that say anything of their low percentile.
        margin: How far below the low percentile of the chosen meeting points retention stays: some requests of those
            beyond it compute less, and what is forgotten for them they compute all the same.
        dead_band: Differences up to this change nothing; less than the margin.
        retain_up: Largest step that stores less.
        retain_down: Largest step that stores more: the error that costs time is corrected faster.
        slowed: Factor over the quiet read time from which reads count as slowed. They share the bandwidth with each
            other, too, and of many means the least is low by chance: with less, writes were cut for what reads did.
        cut: Factor of a write bandwidth when writes slow reads: a claim that six pods fill with writes is free in two
            or three steps.
        helped: Factor of the read time that must be expected of a cut, and that it must bring to stay.
        recovery: Share of the bandwidth before the first cut that comes back in a step.
        forgetting: Time in which the quiet read time is let double: a tier may become slower for good.
        innocence: For how long writes that were cut in vain are left alone.
    """

    judging: timedelta = timedelta(seconds=180)
    reading: timedelta = timedelta(seconds=60)
    changes_an_hour: int = 12
    reads: float = 100.0
    meeting_points: float = 10.0
    margin: float = 0.10
    dead_band: float = 0.04
    retain_up: float = 0.05
    retain_down: float = 0.10
    slowed: float = 2.0
    cut: float = 0.5
    helped: float = 0.9
    recovery: float = 0.1
    forgetting: timedelta = timedelta(hours=6)
    innocence: timedelta = timedelta(seconds=1800)


TUNING_LAW = TuningLaw()
