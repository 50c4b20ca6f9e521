"""How many replicas the latencies ask for: measure, desire, limit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.pressure import Latency, Pressure
from cake_operator.policy.queueing import unhelped
from cake_operator.policy.scaling_history import ScalingHistory


@dataclass(frozen=True, slots=True)
class Law:
    """The figures of the control law.

    Attributes:
        grow_at: Share of the target from which a latency asks for more.
        aim: Share of the target that the asked number shall bring it to, were latency proportional to load per replica.
        shrink_at: Share of the target below which a latency allows fewer.
        growth: Largest factor of one step up.
        shrinkage: Largest factor of one step down; one replica may always go.
        settling: For how long after a growth or a shrinking latencies still hold requests from before it: as long as
            their window.
    """

    grow_at: float = 0.9
    aim: float = 0.75
    shrink_at: float = 0.5
    growth: float = 2.0
    shrinkage: float = 0.7
    settling: timedelta = timedelta(seconds=60)


LAW = Law()


@dataclass(frozen=True, slots=True)
class Desire:
    """A number of replicas that is wished for.

    Attributes:
        replicas: The number.
        reason: Why, with the figures.
        valid: False when what is shall stay for lack of figures.
        helpless: Whether the target is missed, and no number of replicas would change that.
        by_load: Whether the load asks for it, and not a latency that what is ready was too few for.
    """

    replicas: int
    reason: str
    valid: bool = True
    helpless: bool = False
    by_load: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """What there is to go by.

    Attributes:
        measured: Each latency of the SLO beside its target.
        snapshot: All that was measured.
        history: The memory, this look included.
        fewest: The least replicas that the user allows.
        current: Replicas that the Deployment is asked to run.
        ready: How many of them are ready.
        now: When this is.
        law: The figures of the control law.
        explained: How long requests wait, where the load explains it; then a time to first token asks for nothing.
    """

    measured: Sequence[Pressure]
    snapshot: DeploymentSnapshot
    history: ScalingHistory
    fewest: int
    current: int
    ready: int
    now: datetime
    law: Law
    explained: str = ""


def desire(case: Case) -> Desire:
    """Wish for a number of replicas, whatever the bounds and the stabilisation windows make of it."""
    if case.ready == 0:
        return Desire(case.current, "no replica is ready to be measured", valid=False)
    asked = [_ask(p, p.ratio, case) for p in case.measured if p.ratio is not None]
    asked += _asked_by_queue(case)
    if not asked:
        return _without_latencies(case)
    wanted = max(asked, key=lambda ask: ask.replicas)
    if wanted.replicas > case.ready:
        return _grow(wanted, case)
    if unknown := [p for p in case.measured if p.figure.unknown]:
        return Desire(case.current, _listing(unknown), valid=False)
    if wanted.replicas < case.ready:
        return shrink(wanted, case)
    return Desire(case.current, f"{wanted.reason}: {replicas(case.current)} {'stay' if wanted.helpless else 'will do'}")


def _ask(pressure: Pressure, ratio: float, case: Case) -> Desire:
    """What one latency asks for, were it proportional to the load of a replica."""
    law, ready = case.law, case.ready
    if ratio > law.grow_at and (beyond := says_nothing(pressure, case)):
        return Desire(ready, beyond, helpless=True)
    if law.shrink_at <= ratio <= law.grow_at:
        return Desire(ready, str(pressure))
    most = ceil(ready * law.growth)
    # Rounded before it is raised to a whole number: 3.0000000000000004 replicas are 3.
    proportional = ceil(round(min(ready * ratio / law.aim, most), 6))
    least = max(1, min(ready - 1, ceil(round(ready * law.shrinkage, 6))))
    return Desire(min(max(proportional, least), most), str(pressure))


def says_nothing(pressure: Pressure, case: Case) -> str:
    """Why a latency says nothing of the number of replicas; empty where it may say something."""
    if beyond := unhelped(pressure, case.snapshot, case.ready):
        return str(beyond)
    return f"{pressure} with {case.explained}" if pressure.latency is Latency.TTFT and case.explained else ""


def _asked_by_queue(case: Case) -> list[Desire]:
    """A queue that stands longer than the target has no percentile: none of it got a first token to be measured by."""
    since = case.history.stalled_since
    ttft = next((p for p in case.measured if p.latency is Latency.TTFT), None)
    if since is None or ttft is None or (case.now - since).total_seconds() <= ttft.target:
        return []
    told = f"{case.snapshot.waiting.value:g} requests wait and none got a first token for {seconds(case.now - since)} s"
    return [Desire(ceil(case.ready * case.law.growth), told)]


def _without_latencies(case: Case) -> Desire:
    """No latency to go by: nothing is asked of the fleet, or it cannot be known."""
    running, waiting = case.snapshot.running, case.snapshot.waiting
    if unknown := [p for p in case.measured if p.figure.unknown]:
        return Desire(case.current, _listing(unknown), valid=False)
    if running.value != 0 or waiting.value != 0:
        return Desire(case.current, f"{_listing(case.measured)}, and requests may be in flight", valid=False)
    if silence := _silence(case):
        return Desire(case.current, silence, valid=False)
    return Desire(case.fewest, f"no request is running or waiting ({running.age_seconds or 0:.0f} s old)")


def _grow(wanted: Desire, case: Case) -> Desire:
    starting = case.current - case.ready
    if wanted.replicas <= case.current:
        return Desire(
            case.current, f"{wanted.reason}: {case.ready} ready, {starting} of {replicas(case.current)} starting"
        )
    grew_at = case.history.grew_at
    if grew_at is not None and case.now - grew_at < case.law.settling:
        since = seconds(case.now - grew_at)
        return Desire(case.current, f"{wanted.reason}, partly from before the newest replica was ready {since} s ago")
    tokens = case.snapshot.tokens.value
    before = case.history.enough(wanted.replicas, case.ready, tokens) if tokens is not None else None
    if before is not None:
        reason = f"{wanted.reason}: back to the {replicas(before.replicas)} that were enough for as many tokens"
        return Desire(before.replicas, reason)
    return replace(wanted, reason=f"{wanted.reason}: {case.ready} ready, {wanted.replicas} wanted")


def shrink(wanted: Desire, case: Case) -> Desire:
    """Wish for fewer, if the load of the whole fleet is known and fewer were not too few for as much."""
    tokens = case.snapshot.tokens
    if silence := _silence(case):
        return Desire(case.current, f"{wanted.reason}, but {silence}", valid=False)
    if tokens.value is None:
        return Desire(case.current, f"{wanted.reason}, but the token rate {tokens.why_not}", valid=False)
    if miss := case.history.contradicting(wanted.replicas, case.ready, tokens.value):
        # Not even to one more than were too few: each number that fails in turn would be felt by users.
        tried = f"{miss.replicas} were too few at {miss.tokens:.0f} tokens/s, and it is {tokens.value:.0f} now"
        return Desire(case.current, f"{wanted.reason}, but {tried}: {replicas(case.current)} stay")
    fewer = min(wanted.replicas, case.current)
    return Desire(fewer, f"{wanted.reason}: {replicas(fewer)} would do")


def _silence(case: Case) -> str:
    """Why the load of the whole fleet is not known; empty when every ready pod reports."""
    reporting = case.snapshot.reporting_pods
    if reporting.value is None:
        return f"the number of pods that report {reporting.why_not}"
    return f"only {reporting.value:g} of {case.ready} ready pods report" if reporting.value < case.ready else ""


def _listing(found: Sequence[Pressure]) -> str:
    return "; ".join(map(str, found))


def seconds(length: timedelta) -> int:
    """Whole seconds, for a sentence."""
    return round(length.total_seconds())


def replicas(number: int) -> str:
    """A number of replicas, for a sentence."""
    return f"{number} replica" if number == 1 else f"{number} replicas"
