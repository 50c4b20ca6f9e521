"""How many replicas: from the load and the latencies that the SLO names, between bounds, with stabilisation.

Measure, desire, limit, hold: each step returns a value with its reason.

- Measure: the compute that is offered (`offered`), and each latency of the SLO over its target (`pressure`).
- Desire: where the load is known it asks for an absolute number, and latencies trim that (`by_load`). Where it is not,
  every latency that was measured asks for a number, and the largest wins (`desire`). That is a number of ready
  replicas, as only those were measured: pods that are starting are not counted twice.
- Limit: nothing shrinks on less than the whole picture, back to a number that missed under the same load, or by more
  than a step; nothing grows by more than double. Neither happens on latencies of before the last such step.
- Hold: absent and stale figures change nothing. A wish stands for its stabilisation window before it counts.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from cake_operator.api import ScalingSpec, SloSpec
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.by_load import SPREAD, desire_by_load
from cake_operator.policy.decision import Decision
from cake_operator.policy.desire import LAW, Case, Desire, Law, desire, replicas, seconds
from cake_operator.policy.offered import load, offered
from cake_operator.policy.offered import remember as remember_load
from cake_operator.policy.pressure import pressures, stalled
from cake_operator.policy.scaling_history import ScalingHistory, Tried
from cake_operator.policy.stabilization import Recommendation, Stabilized, Windows, remember, stabilize
from cake_operator.policy.waits import waits
from cake_operator.policy.waking import asleep, fewest

__all__ = ["ScalingHistory", "decide"]


def decide(
    scaling: ScalingSpec,
    slo: SloSpec | None,
    *,
    fixed: int | None,
    snapshot: DeploymentSnapshot,
    history: ScalingHistory,
    current_replicas: int,
    ready_replicas: int,
    now: datetime,
    law: Law = LAW,
) -> tuple[Decision[int], ScalingHistory]:
    """Decide on the number of replicas.

    Args:
        scaling: Bounds and stabilisation windows.
        slo: The latencies that were promised; without them only the bounds count.
        fixed: Replicas that the user, or an autoscaler through the scale subresource, asks for: they win.
        snapshot: What was measured.
        history: What the last decision returned; `ScalingHistory()` at first.
        current_replicas: What the Deployment is asked to run; 0 when there is none yet.
        ready_replicas: How many of them are ready.
        now: When this is.
        law: The figures of the control law.

    Returns:
        The decision, and the memory for the next one.
    """
    if fixed is not None:
        return Decision(fixed, "spec.replicas is set: SLO scaling stands back", True, now), ScalingHistory()
    measured = pressures(slo, snapshot)
    may_sleep = scaling.min_replicas == 0
    awake = fewest(scaling.min_replicas, snapshot.held, current_replicas, remembered=history.recommendations != ())
    scaling = scaling.model_copy(update={"min_replicas": awake})
    if not measured:
        bounded = _bound(current_replicas, scaling)
        return Decision(bounded, "no SLO is set: replicas stay within their bounds", True, now), ScalingHistory()

    # Pods on their way out, and those of a rollout's surge, are ready too.
    ready = min(ready_replicas, current_replicas)
    history = history.seen(current_replicas, ready, stalled(snapshot), now)
    case = Case(measured, snapshot, history, awake, current_replicas, ready, now, law)
    if may_sleep and current_replicas == 0:
        wish = asleep(snapshot.held, awake)
    else:
        wish, history = _wish(case, scaling.max_replicas)
    stable, history = _hold(wish, scaling, history, current_replicas, now)
    if history.shrunk is not None and stable.replicas < current_replicas and now < history.shrunk.at + law.settling:
        stable = Stabilized(current_replicas, history.shrunk.at + law.settling)  # one shrinking is seen before the next
    decision = _bounded(wish, stable, scaling, now)
    if (tokens := snapshot.tokens.value) is not None:
        pressed = any(p.ratio is None or p.ratio > law.grow_at for p in measured)
        if pressed and not wish.by_load and wish.replicas > ready == current_replicas:
            history = history.missed(Tried(now, ready, tokens))
        if decision.value < current_replicas:
            history = replace(history, shrunk=Tried(now, current_replicas, tokens))
    return decision, history


def _wish(case: Case, most: int) -> tuple[Desire, ScalingHistory]:
    """By the load where all of it is known, by the latencies alone where it is not."""
    look = offered(case.snapshot, case.ready, case.now)
    if isinstance(look, str) or case.ready == 0:
        return desire(case), case.history
    looks = remember_load(case.history.offered, look)
    found, grew_at = load(looks, case.law.settling, SPREAD), case.history.grew_at
    waited = waits(looks, case.law.settling, None if grew_at is None else grew_at + case.law.settling)
    return desire_by_load(case, found, waited, most), replace(case.history, offered=looks)


def _hold(
    wish: Desire, scaling: ScalingSpec, history: ScalingHistory, current: int, now: datetime
) -> tuple[Stabilized, ScalingHistory]:
    """Let a wish through once its window has passed."""
    windows = Windows(
        up=timedelta(seconds=scaling.scale_up_stabilization.seconds),
        down=timedelta(seconds=scaling.scale_down_stabilization.seconds),
    )
    # Nothing is remembered at first (the operator has just started): what is there was wished for until now.
    before = history.recommendations or (Recommendation(now, current),)
    recommendations = remember(before, Recommendation(now, wish.replicas), windows)
    return stabilize(recommendations, current, windows, now), replace(history, recommendations=recommendations)


def _bounded(wish: Desire, stable: Stabilized, scaling: ScalingSpec, now: datetime) -> Decision[int]:
    """What became of a wish, in words: held, or within the bounds."""
    bounded, reason = _bound(stable.replicas, scaling), wish.reason
    if stable.replicas != wish.replicas:
        reason += f"; {replicas(stable.replicas)} for {seconds(stable.until - now)} s more at least"
    elif bounded != wish.replicas:
        reason += f"; bounded by {scaling.min_replicas} to {scaling.max_replicas}"
    return Decision(bounded, reason, wish.valid, stable.until)


def _bound(number: int, scaling: ScalingSpec) -> int:
    return min(max(number, scaling.min_replicas), scaling.max_replicas)
