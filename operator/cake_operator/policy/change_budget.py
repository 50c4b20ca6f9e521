"""How many changes of the knobs an hour may have: figures that swing must not make knobs swing for ever."""

from dataclasses import replace
from datetime import datetime, timedelta

from cake_engine.config import Knobs
from cake_operator.policy.balance_history import BalanceHistory
from cake_operator.policy.decision import Decision
from cake_operator.policy.tuning_law import TuningLaw

HOUR = timedelta(hours=1)


def afford(
    present: Knobs,
    wanted: Decision[Knobs],
    after: BalanceHistory,
    *,
    before: BalanceHistory,
    now: datetime,
    law: TuningLaw,
) -> tuple[Decision[Knobs], BalanceHistory]:
    """The change, if the last hour has had few enough; else none, and until when. Taking one back is always allowed.

    Args:
        present: The knobs as they are.
        wanted: What is to be decided.
        after: The memory if it is.
        before: The memory without it.
        now: When this is.
        law: Has the number of changes.
    """
    lately = tuple(moment for moment in before.changed if timedelta() <= now - moment < HOUR)
    if wanted.value == present:
        return wanted, replace(after, changed=lately)
    if len(lately) < law.changes_an_hour or _takes_back(before, after):
        return wanted, replace(after, changed=(*lately, now))
    free = lately[-law.changes_an_hour] + HOUR
    left = round((free - now).total_seconds())
    reason = f"{len(lately)} changes in an hour are all there may be, the next one in {left} s; then: {wanted.reason}"
    return Decision(present, reason, wanted.valid, free), replace(_not_made(before, after), changed=lately)


def _takes_back(before: BalanceHistory, after: BalanceHistory) -> bool:
    """Whether a cut of writes was judged in vain: they are left alone from now on."""
    earlier = {tier: memory.innocent_until for tier, memory in before.writes.items()}
    return any(memory.innocent_until != earlier.get(tier) for tier, memory in after.writes.items())


def _not_made(before: BalanceHistory, after: BalanceHistory) -> BalanceHistory:
    """What was seen is remembered, and no cut that nobody made."""
    uncut = {tier: memory.uncut for tier, memory in before.writes.items()}
    writes = {
        tier: memory if memory.cut is None else replace(memory, cut=None, uncut=uncut.get(tier))
        for tier, memory in after.writes.items()
    }
    return replace(after, writes=writes)
