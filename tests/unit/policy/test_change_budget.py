"""How many changes of the knobs an hour may have."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.config import Knobs
from cake_operator.policy.balance_history import BalanceHistory
from cake_operator.policy.change_budget import afford
from cake_operator.policy.decision import Decision
from cake_operator.policy.tuning_law import TUNING_LAW
from cake_operator.policy.writes import Cut, WriteMemory
from tests.unit.policy.figures import at

MOST = TUNING_LAW.changes_an_hour
NOW, LATER = Knobs(), Knobs(retain_from=0.05)
CUT = WriteMemory(quiet_seconds=0.01, cut=Cut(None, 0.02), uncut=1e8)


def asked(
    wanted: Knobs, seconds: float, before: BalanceHistory, after: BalanceHistory | None = None
) -> tuple[Decision[Knobs], BalanceHistory]:
    decision = Decision(wanted, "because", True, at(seconds))
    return afford(NOW, decision, after or before, before=before, now=at(seconds), law=TUNING_LAW)


def spent(seconds: float = 0.0) -> BalanceHistory:
    """All changes that an hour may have, a minute apart, the first of them at this moment."""
    return BalanceHistory(changed=tuple(at(seconds + 60 * number) for number in range(MOST)))


def test_the_change_that_is_too_much_waits_until_the_first_is_an_hour_old_and_says_so() -> None:
    decision, after = asked(LATER, 1800, spent())
    assert (decision.value, decision.valid, decision.until) == (NOW, True, at(3600))
    assert decision.reason == f"{MOST} changes in an hour are all there may be, the next one in 1800 s; then: because"
    assert asked(LATER, 3599, after)[0].value == NOW
    assert asked(LATER, 3600, after)[0].value == LATER


def test_what_changes_nothing_costs_nothing() -> None:
    decision, after = asked(NOW, 1800, spent())
    assert (decision.reason, after.changed) == ("because", spent().changed)


def test_a_cut_in_vain_is_taken_back_however_many_changes_there_were() -> None:
    before = replace(spent(), writes={"shared": CUT})
    after = replace(before, writes={"shared": replace(CUT, cut=None, innocent_until=at(9000))})
    assert asked(LATER, 1800, before, after)[0].value == LATER


def test_a_cut_that_was_not_made_is_not_judged() -> None:
    before = replace(spent(), writes={"shared": replace(CUT, cut=None, uncut=None)})
    _, after = asked(LATER, 1800, before, replace(before, writes={"shared": CUT, "other": CUT}))
    assert after.writes["shared"] == before.writes["shared"]
    assert (after.writes["other"].cut, after.writes["other"].quiet_seconds) == (None, CUT.quiet_seconds)


@given(st.lists(st.floats(0, 600), max_size=100))
def test_no_hour_has_more(pauses: list[float]) -> None:
    history, seconds = BalanceHistory(), 0.0
    made: list[datetime] = []
    for pause in pauses:
        seconds += pause
        decision, history = asked(LATER, seconds, history)
        if decision.value == LATER:
            made.append(at(seconds))
        assert decision.until >= at(seconds)
    for moment in made:
        assert sum(0 <= (other - moment).total_seconds() < 3600 for other in made) <= MOST


@pytest.mark.parametrize("seconds", [-3600.0, 0.0])
def test_changes_of_a_clock_that_went_back_do_not_count(seconds: float) -> None:
    assert asked(LATER, seconds, spent(60.0))[0].value == LATER
