"""What a pod reads from a tier and writes to it, as the tuner goes by."""

from dataclasses import dataclass

from cake_operator.observe.snapshot import ABSENT, DeploymentSnapshot
from cake_operator.policy.tuning_law import TuningLaw

ABSURD = 1e18
"""More than any volume moves in a second, and than any read takes: what is above it counts as it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The figures of one tier.

    Attributes:
        read_seconds: Mean of a read; None where nothing is read.
        read: Bytes per second that a pod reads.
        written: Bytes per second that a pod writes.
        age_seconds: Of the oldest figure.
        reads: In the window, of all pods.
    """

    read_seconds: float | None
    read: float
    written: float
    age_seconds: float
    reads: float

    def few(self, law: TuningLaw) -> str:
        """That too little is read to go by, in words; empty when it is enough."""
        if self.read_seconds is None:
            return "nothing is read"
        return "" if self.reads >= law.reads else f"{self.reads:.0f} reads of the {law.reads:.0f} it takes are made"

    def expected(self, less_written: float) -> float:
        """Seconds of a read when a pod writes so much less, and reads get the bandwidth: all share it alike."""
        return (self.read_seconds or 0.0) * self.read / (self.read + less_written) if self.read else 0.0


def rates(tier: str, snapshot: DeploymentSnapshot) -> Rates | str:
    """The figures of a tier, or the sentence that says which is missing."""
    read, written = snapshot.read_rate.get(tier, ABSENT), snapshot.write_rate.get(tier, ABSENT)
    seconds, pods = snapshot.read_seconds.get(tier, ABSENT), snapshot.reporting_pods
    reads = snapshot.reads.get(tier, ABSENT)
    named = {"read rate": read, "write rate": written, "number of reads": reads, "read time": seconds}
    if read.value is None or written.value is None or reads.value is None or seconds.unknown:
        return "; ".join(f"{name} of {tier} {f.why_not}" for name, f in named.items() if f.value is None)
    if not pods.value:
        return f"the number of pods that report {pods.why_not or 'is 0'}"
    ages = [figure.age_seconds or 0.0 for figure in named.values()]
    each, took = max(1.0, pods.value), seconds.value
    return Rates(
        read_seconds=None if took is None else _sane(took),
        read=_sane(read.value / each),
        written=_sane(written.value / each),
        age_seconds=max(ages),
        reads=reads.value,
    )


def _sane(value: float) -> float:
    return min(max(value, 0.0), ABSURD)
