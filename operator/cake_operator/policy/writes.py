"""Writes are held back while they slow reads: cut by a factor, judged, recovered in small steps."""

from dataclasses import dataclass, replace
from datetime import datetime

from cake_operator.policy.tier_rates import Rates
from cake_operator.policy.tuning_law import TuningLaw

LEAST = float(2**20)
"""Bytes per second that writes always keep: with none, nothing new is ever stored."""
FORGOTTEN_DOUBLINGS = 16.0
"""Doublings after which a quiet read time says nothing any more, however long nothing was read."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut whose effect is not known yet: the cap before it, and the seconds of a read before it."""

    cap: float | None
    read_seconds: float


@dataclass(frozen=True, slots=True)
class WriteMemory:
    """What is remembered of a tier.

    Attributes:
        quiet_seconds: Seconds that a read took at best; None before the first was measured.
        looked_at: When that was last compared with a measured one; None before the first.
        cut: The cut that is to be judged.
        uncut: Bytes per second that a pod wrote before the first cut; None while nothing is cut.
        innocent_until: When writes may be cut again after a cut that did not help.
    """

    quiet_seconds: float | None = None
    looked_at: datetime | None = None
    cut: Cut | None = None
    uncut: float | None = None
    innocent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """Least and most bytes per second that a pod may be allowed to write; None is no limit."""

    least: float = LEAST
    most: float | None = None

    def within(self, cap: float | None) -> float | None:
        """The cap, no less than the least and no more than the most."""
        if cap is None or (self.most is not None and cap > self.most):
            return self.most
        return max(cap, self.least)


@dataclass(frozen=True, slots=True)
class WriteStep:
    """What a pod may write to a tier (None: as much as it likes), and why."""

    cap: float | None
    reason: str


def watch(memory: WriteMemory, found: Rates, now: datetime, law: TuningLaw) -> WriteMemory:
    """The memory after a look: the best read time, let rise slowly because a tier may become slower for good."""
    if found.read_seconds is None or found.few(law):
        return memory
    best = found.read_seconds
    if memory.quiet_seconds is not None and memory.looked_at is not None:
        doublings = min(max((now - memory.looked_at) / law.forgetting, 0.0), FORGOTTEN_DOUBLINGS)
        best = min(best, memory.quiet_seconds * 2**doublings)
    return replace(memory, quiet_seconds=best, looked_at=now)


def hold_back(
    tier: str,
    cap: float | None,
    *,
    found: Rates,
    memory: WriteMemory,
    limits: WriteLimits,
    now: datetime,
    law: TuningLaw,
) -> tuple[WriteStep, WriteMemory]:
    """One step of a tier's write bandwidth: judge the last cut, cut, recover, or leave it.

    Args:
        tier: Its name, for the reason.
        cap: Bytes per second that a pod may write now; None is as much as it likes.
        found: What was measured under it.
        memory: As `watch` returned it.
        limits: How far the tuner may go.
        now: When this is.
        law: Factors and times.
    """
    if found.read_seconds is None or memory.quiet_seconds is None or found.few(law):
        idle, uncut = f"{found.few(law)} from {tier}", replace(memory, cut=None)
        return _recover(cap, idle, uncut, limits, law) if cap is not None else (WriteStep(None, idle), uncut)
    quiet = memory.quiet_seconds
    reads = f"a read of {tier} takes {_ms(found.read_seconds)} of {_ms(quiet)} at best, {found.age_seconds:.0f} s old"
    if memory.cut is not None:
        before, judged = memory.cut, replace(memory, cut=None)
        if found.read_seconds <= law.helped * before.read_seconds:
            return WriteStep(cap, f"{reads}: the cut of writes helped ({_ms(before.read_seconds)} before)"), judged
        back = limits.within(before.cap)  # the bounds may have changed since
        judged = replace(judged, innocent_until=now + law.innocence, uncut=judged.uncut if before.cap else None)
        return WriteStep(back, f"{reads}: the cut of writes did not help and is taken back"), judged
    innocent = memory.innocent_until is not None and now < memory.innocent_until
    slowed = found.read_seconds >= law.slowed * quiet
    if slowed and not innocent:
        allowed = found.written if cap is None else min(cap, found.written)
        lower = float(round(max(limits.least, law.cut * allowed)))
        if lower >= allowed:
            return WriteStep(cap, f"{reads}: writes are at their least, {_rate(allowed)}"), memory
        expected, said = found.expected(found.written - lower), f"{reads}, while {_rate(found.written)} are written"
        held = f"held to {_rate(lower)}, with which {_ms(max(quiet, expected))} are expected"
        if expected > law.helped * found.read_seconds:
            return WriteStep(cap, f"{said}: too little to gain if they were {held}"), memory
        reason = f"{said}: {held}"
        return WriteStep(lower, reason), replace(
            memory, cut=Cut(cap, found.read_seconds), uncut=memory.uncut or found.written
        )
    if cap is not None and not slowed:
        return _recover(cap, reads, memory, limits, law)
    return WriteStep(cap, f"{reads}: writes are left as they are"), memory


def _recover(
    cap: float, reads: str, memory: WriteMemory, limits: WriteLimits, law: TuningLaw
) -> tuple[WriteStep, WriteMemory]:
    # Not known after a restart of the operator: then this cap is what there was.
    uncut = memory.uncut or cap
    memory = replace(memory, uncut=uncut)
    higher = float(round(cap + law.recovery * uncut))
    if limits.most is not None and higher >= limits.most:
        if cap >= limits.most:
            return WriteStep(cap, f"{reads}: writes have all they may"), replace(memory, uncut=None)
        return WriteStep(limits.most, f"{reads}: writes get all they may, {_rate(limits.most)}"), memory
    if limits.most is None and higher > 2 * uncut:
        return WriteStep(None, f"{reads}: writes are not held back any more"), replace(memory, uncut=None)
    return WriteStep(higher, f"{reads}: writes get {_rate(higher)}"), memory


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def _rate(bandwidth: float) -> str:
    return f"{bandwidth / 2**20:.3g} MiB/s"
