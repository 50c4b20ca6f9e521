"""How many replicas the offered compute asks for, trimmed by the latencies.

The model's number is absolute: pods that are starting are a part of it, and it is asked for without waiting for them.
Latencies that miss their targets all the same may raise it, up to a bound, and those near their targets keep it from
falling. That the shared claim is short asks for nothing by itself: what it does not load is compute that is not spared,
and that counts.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from cake_operator.policy.desire import Case, Desire, desire, replicas, says_nothing, shrink
from cake_operator.policy.offered import Load
from cake_operator.policy.pressure import Latency, Pressure, seconds
from cake_operator.policy.staffing import Queue
from cake_operator.policy.waits import Waits

SPREAD = 3.0
"""How uneven the work of requests is: the square of its coefficient of variation. A choice: the lengths of the recorded
conversations have 1.7; what their stored prefixes do not spare, at a cost that doubles by token 16384, has 9."""
LEAST_WAIT = 0.25
"""Share of the target that a request may wait where its own work takes nearly all of it, or more: no number of replicas
makes that shorter."""


def queue(load: Load, measured: Sequence[Pressure]) -> Queue:
    """The load, with the wait that the target leaves its requests and the share that its percentile lets wait longer.

    Args:
        load: What is asked for.
        measured: The latencies of the SLO; without a time to first token a request may wait for as long as it works.
    """
    ttft = next((p for p in measured if p.latency is Latency.TTFT), None)
    target, percentile = (ttft.target, ttft.percentile) if ttft is not None else (2 * load.request_seconds, 90.0)
    return Queue(
        load=load.seconds,
        request_seconds=load.request_seconds,
        wait=max(target - load.request_seconds, LEAST_WAIT * target),
        share=max(1 - percentile / 100, 1e-4),
        spread=SPREAD,
    )


def desire_by_load(case: Case, load: Load, waited: Waits | None, most: int) -> Desire:
    """Wish for the replicas that the load asks for, and the latencies beside it.

    Args:
        case: What there is to go by; at least one replica is ready.
        load: What is asked for.
        waited: What requests wait for since the fleet is as it is; None where it is not known.
        most: Replicas that the user allows.
    """
    waiting = queue(load, case.measured)
    if waited is not None and (waited.shorter or waited.surely <= waiting.bearable):
        tends = "and fewer wait than before" if waited.shorter else f"and {seconds(waiting.bearable)} would do"
        told = f"a wait of {seconds(waited.seconds)} on average, {tends}"
        case = replace(case, explained=told)
    enough, felt = waiting.replicas(most), desire(case)
    if enough > case.current and enough >= felt.replicas:
        starting = f", {case.current - case.ready} starting" if case.current > case.ready else ""
        return Desire(enough, f"{load}: {case.ready} ready{starting}, {enough} wanted", by_load=True)
    if felt.replicas > case.current:
        return _no_more_than_waits_ask(felt, waiting, waited, case)
    if not felt.valid:
        return felt
    telling = [p for p in case.measured if not says_nothing(p, case)]
    keeping = max(telling, key=lambda p: p.ratio or 0.0, default=None)
    if keeping is not None and (keeping.ratio or 0.0) > case.law.grow_at:  # more were asked for, and may be starting
        return Desire(case.current, felt.reason)
    roomy = replace(waiting, load=load.seconds * (1 + load.error)).replicas(most)
    fewest = max(roomy, _least_for(keeping, case), _least_for_waits(waiting, waited, case))
    if fewest < case.current:
        return shrink(Desire(fewest, str(load)), case)
    said = [f"{load}{f', {keeping}' if keeping else ''}: {replicas(case.current)} will do"]
    missed = [p for p in case.measured if p.ratio is not None and p.ratio > case.law.grow_at]
    return Desire(case.current, "; ".join([*said, *filter(None, (says_nothing(p, case) for p in missed))]))


def _no_more_than_waits_ask(felt: Desire, waiting: Queue, waited: Waits | None, case: Case) -> Desire:
    """A time to first token holds what prompts take alone, too: it asks for as much more as waits are too long."""
    between = any(p.latency is Latency.ITL and (p.ratio or 0.0) > case.law.grow_at for p in case.measured)
    if between or waited is None or case.history.stalled_since is not None:
        return felt
    bound = ceil(round(case.ready * min(waited.surely / max(waiting.bearable, 1e-9), case.law.growth), 6))
    return replace(felt, replicas=max(case.current, min(felt.replicas, bound)))


def _least_for(latency: Pressure | None, case: Case) -> int:
    """The fewest that keep a latency below the share of its target that asks for more, were it proportional to load."""
    if latency is None or latency.ratio is None:
        return 1
    return ceil(round(case.ready * latency.ratio / case.law.grow_at, 6))


def _least_for_waits(waiting: Queue, waited: Waits | None, case: Case) -> int:
    """The fewest with which requests wait no longer than they may, were a wait proportional to load."""
    if waited is None or not waited.seconds:
        return 1
    if waited.seconds >= waiting.bearable:
        return case.current
    return ceil(round(case.ready * waited.seconds / waiting.bearable, 6))
