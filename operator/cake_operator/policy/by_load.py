"""How many replicas the offered compute asks for, trimmed by the latencies.

The model's number is absolute: pods that are starting are a part of it, and it is asked for without waiting for them.
Latencies that miss their targets all the same may raise it, up to a bound, and those near their targets keep it from
falling. That the shared claim is short asks for nothing by itself: what it does not load is compute that is not spared,
and that counts.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from cake_operator.policy.desire import Case, Desire, desire, replicas, shrink
from cake_operator.policy.offered import Load
from cake_operator.policy.pressure import Latency, Pressure
from cake_operator.policy.queueing import mean_wait, unhelped
from cake_operator.policy.staffing import Queue

SPREAD = 3.0
"""How uneven the work of requests is: the square of its coefficient of variation. A choice: the lengths of the recorded
conversations have 1.7; what their stored prefixes do not spare, at a cost that doubles by token 16384, has 9."""
LEAST_WAIT = 0.25
"""Share of the target that a request may wait where its own work takes nearly all of it, or more: no number of replicas
makes that shorter."""
RAISED = 1.5
"""Times the model's number that times to first token may ask for while requests wait no longer than the model says:
what is missed then is missed by long prompts, or for want of bandwidth, and more compute is of little use to either."""

SLACK = 1.2
"""Times the load that fewer replicas have to be enough for: more than chance moves it between two looks."""


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


def desire_by_load(case: Case, load: Load, most: int) -> Desire:
    """Wish for the replicas that the load asks for, and the latencies beside it.

    Args:
        case: What there is to go by; at least one replica is ready.
        load: What is asked for.
        most: Replicas that the user allows.
    """
    waiting, felt = queue(load, case.measured), desire(case)
    enough = waiting.replicas(most)
    if enough > case.current and enough >= felt.replicas:
        starting = f", {case.current - case.ready} starting" if case.current > case.ready else ""
        return Desire(enough, f"{load}: {case.ready} ready{starting}, {enough} wanted")
    if felt.replicas > case.current:
        return felt if _contradicted(waiting, case) else _raised(felt, case, load, ceil(RAISED * enough))
    if not felt.valid:
        return felt
    near = [p for p in case.measured if unhelped(p, case.snapshot, case.ready) is None]
    keeping = max(near, key=lambda p: p.ratio or 0.0, default=None)
    if keeping is not None and (keeping.ratio or 0.0) > case.law.grow_at:  # more were asked for, and may be starting
        return Desire(case.current, felt.reason)
    fewest = max(replace(waiting, load=SLACK * load.seconds).replicas(most), _least_for(keeping, case))
    if fewest < case.current:
        return shrink(Desire(fewest, str(load)), case)
    return Desire(case.current, f"{load}{f', {keeping}' if keeping else ''}: {replicas(case.current)} will do")


def _contradicted(waiting: Queue, case: Case) -> bool:
    """Whether it is seen that the model is wrong: requests wait for longer on average than any but few should.

    Of the time between tokens it says nothing in the first place.
    """
    wait = mean_wait(case.snapshot)
    between = any(
        p.latency is Latency.ITL and p.ratio is not None and p.ratio > case.law.grow_at for p in case.measured
    )
    return between or wait is None or wait > waiting.wait


def _raised(felt: Desire, case: Case, load: Load, bound: int) -> Desire:
    """What times to first token ask for, no further than the bound."""
    if felt.replicas <= bound:
        return felt
    if case.current < bound:
        return Desire(bound, f"{felt.reason}; no more than {bound}, as {load}")
    return Desire(case.current, f"{felt.reason}, but {load}: {replicas(case.current)} stay")


def _least_for(latency: Pressure | None, case: Case) -> int:
    """The fewest that keep a latency below the share of its target that asks for more, were it proportional to load."""
    if latency is None or latency.ratio is None:
        return 1
    return ceil(round(case.ready * latency.ratio / case.law.grow_at, 6))
