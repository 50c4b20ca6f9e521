"""The balance between compute and I/O: small steps of the knobs, each applied, confirmed and judged before the next.

Two knobs are turned: writes are held back while they slow reads (`writes`), and retention follows the meeting points
(`retention`). One changes at a time, so that what is measured next is its effect, and not too often (`change_budget`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cake_engine.config import Knobs, Mode
from cake_operator.api import BalanceSpec, FractionBounds
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.balance_history import BalanceHistory
from cake_operator.policy.change_budget import afford
from cake_operator.policy.confirmation import Confirmation, ConfirmationState
from cake_operator.policy.decision import Decision
from cake_operator.policy.knobs import RETAIN, WRITE, edited_knobs, highest_write_bandwidth, starting_knobs, tuned_from
from cake_operator.policy.retention import retain
from cake_operator.policy.tier_rates import rates
from cake_operator.policy.tuning_law import TUNING_LAW, TuningLaw
from cake_operator.policy.writes import LEAST, WriteLimits, WriteMemory, hold_back, watch

__all__ = ["BalanceHistory", "decide"]


@dataclass(frozen=True, slots=True)
class Case:
    """What there is to go by.

    Attributes:
        balance: Mode and bounds.
        user: The knobs that the user wrote.
        base: The present knobs, within the bounds.
        snapshot: All that was measured.
        published: Whether the live ConfigMap has the present knobs; until then they are on their way.
        confirmation: Whether every ready pod runs with the live ConfigMap.
        now: When this is.
        law: Margins, steps and times.
    """

    balance: BalanceSpec
    user: Knobs
    base: Knobs
    snapshot: DeploymentSnapshot
    published: bool
    confirmation: Confirmation
    now: datetime
    law: TuningLaw

    def stay(self, reason: str, valid: bool = True) -> Decision[Knobs]:
        """The decision to change nothing."""
        return Decision(self.base, reason, valid, self.now)

    def until(self, moment: datetime, since: datetime) -> Decision[Knobs]:
        """The decision to change nothing before this moment: the last change is not judged yet."""
        left = round((since + self.law.judging - self.now).total_seconds())
        return replace(self.stay(f"generation {self.confirmation.generation} is judged in {left} s"), until=moment)

    def turn(self, knob: str, value: Any, reason: str) -> Decision[Knobs]:
        """The decision to change one knob."""
        return Decision(self.base.model_copy(update={knob: value}), reason, True, self.now)


def decide(
    balance: BalanceSpec,
    tiers: Sequence[str],
    *,
    snapshot: DeploymentSnapshot,
    current: Knobs,
    published: Knobs | None,
    confirmation: Confirmation,
    history: BalanceHistory,
    now: datetime,
    law: TuningLaw = TUNING_LAW,
) -> tuple[Decision[Knobs], BalanceHistory]:
    """Decide on the knobs.

    Args:
        balance: Mode, tuning, the user's knobs and the bounds.
        tiers: Names of the tiers below memory.
        snapshot: What was measured.
        current: The knobs that were decided last.
        published: The knobs in the live ConfigMap, as last seen; None where there is none.
        confirmation: Whether every ready pod runs with what is published.
        history: What the last decision returned; `BalanceHistory()` at first.
        now: When this is.
        law: Margins, steps and times.

    Returns:
        The decision, over all knobs, and the memory for the next one. With tuning Recommend the user's knobs are the
        value, and the memory carries the recommendation.
    """
    user = starting_knobs(balance)
    if balance.tuning == "Off":
        return Decision(user, "tuning is Off: the knobs are as written", True, now), BalanceHistory()
    if balance.tuning == "Recommend":
        base = tuned_from(user, user, balance, tiers)
        case = Case(balance, user, base, snapshot, published == user, confirmation, now, law)
        return _recommend(case, tiers, history)
    edited = edited_knobs(history.user, user)
    base = tuned_from(user, current.model_copy(update=edited), balance, tiers)
    case = Case(balance, user, base, snapshot, published == current, confirmation, now, law)
    history = replace(history, user=user, writes={} if WRITE in edited else history.writes, recommendation=None)
    if base != current:
        return case.stay("the knobs or bounds in the resource changed: they come first"), history
    waits, history = _waits(case, history)
    return (waits, history) if waits else afford(base, *_step(case, tiers, history), before=history, now=now, law=law)


def _recommend(case: Case, tiers: Sequence[str], history: BalanceHistory) -> tuple[Decision[Knobs], BalanceHistory]:
    """Say what Auto would change first. Nothing comes of it, so there is no cut to judge later."""
    step, history = _waits(case, history)
    if step is None:
        step, history = _step(case, tiers, history)
        writes = {tier: replace(memory, cut=None, uncut=None) for tier, memory in history.writes.items()}
        history = replace(history, writes=writes, recommendation=step.value if step.valid else history.recommendation)
    history = replace(history, user=case.user)
    return replace(step, value=case.user, reason=f"recommended only: {step.reason}"), history


def _waits(case: Case, history: BalanceHistory) -> tuple[Decision[Knobs] | None, BalanceHistory]:
    """The decision to wait until the last change is confirmed and judged; None when it is."""
    switched = history.mode is not None and history.mode is not case.balance.mode
    history = _confirmed(replace(history, mode=case.balance.mode), case)
    if switched:
        writes = {tier: replace(memory, cut=None) for tier, memory in history.writes.items()}
        reason = f"the mode became {case.balance.mode}: figures of the last one do not count"
        return case.stay(reason), replace(history, writes=writes)
    if not case.confirmation.confirmed:
        known = case.confirmation.state is not ConfirmationState.UNKNOWN
        return case.stay(case.confirmation.sentence.rstrip("."), known), history
    if not case.published:
        return case.stay("the last change is on its way to the pods"), history
    since = history.since
    if since is not None and case.now < since + case.law.reading:
        return case.until(since + case.law.reading, since), history
    return None, history


def _step(case: Case, tiers: Sequence[str], history: BalanceHistory) -> tuple[Decision[Knobs], BalanceHistory]:
    """Change at most one knob: writes first, which slow what retention goes by, and whose figures are there sooner."""
    writes, history = _writes(case, tiers, history)
    if writes.value != case.base:
        return writes, history
    bounds = case.balance.bounds.retain_from  # it makes room, at the expense of first tokens: only where asked for
    retention = case.stay("") if bounds is None else _retention(case, bounds, history.since)
    if retention.value != case.base:
        return retention, history
    told = [one.reason for one in (retention, writes) if one.reason] or ["nothing to tune: no tier below memory"]
    return replace(retention, reason="; ".join(told), valid=retention.valid and writes.valid), history


def _confirmed(history: BalanceHistory, case: Case) -> BalanceHistory:
    """The memory after the pods were asked which generation they run with."""
    generation = case.confirmation.generation
    if not case.confirmation.confirmed or history.generation == generation:
        return history
    # At the first look the pods have run with it for who knows how long: its figures count.
    return replace(history, generation=generation, since=None if history.generation is None else case.now)


def _writes(case: Case, tiers: Sequence[str], history: BalanceHistory) -> tuple[Decision[Knobs], BalanceHistory]:
    """The next write bandwidth of the first tier that needs another."""
    least = case.balance.bounds.write_bandwidth.min
    caps = case.base.write_bandwidth_bytes_per_second
    reasons, valid = [], True
    for tier in tiers:
        found = rates(tier, case.snapshot)
        if isinstance(found, str):
            reasons.append(found)
            valid = False
            continue
        limits = WriteLimits(
            least=max(LEAST, float(least.bytes) if least is not None else 0.0),
            most=highest_write_bandwidth(case.user, case.balance, tier),
        )
        memory = watch(history.writes.get(tier, WriteMemory()), found, case.now, case.law)
        step, memory = hold_back(
            tier, caps.get(tier), found=found, memory=memory, limits=limits, now=case.now, law=case.law
        )
        history = replace(history, writes={**history.writes, tier: memory})
        if step.cap != caps.get(tier):
            changed = {name: cap for name, cap in {**caps, tier: step.cap}.items() if cap is not None}
            return case.turn(WRITE, changed, step.reason), history
        reasons.append(step.reason)
    return case.stay("; ".join(reasons), valid), history


def _retention(case: Case, bounds: FractionBounds, since: datetime | None) -> Decision[Knobs]:
    if since is not None and case.now < since + case.law.judging:
        return case.until(since + case.law.judging, since)
    if case.balance.mode is not Mode.ADAPTIVE:
        return case.stay(f"mode {case.balance.mode}: meeting points are not chosen, retention stays")
    step = retain(case.base.retain_from, case.snapshot, bounds, case.law)
    if step.retain_from == case.base.retain_from:
        return case.stay(step.reason, step.valid)
    return case.turn(RETAIN, step.retain_from, step.reason)
