from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.ahead import ComputeAhead, ReadsAhead
from cake_engine.core.plan import Plan

PLANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def _seconds(start: int, stop: int) -> float:
    return max(0, stop - start) / 1000


@given(PLANS, st.integers(0, 8))
def test_reads_asked_for_go_first_and_what_earlier_requests_miss_comes_before_the_rest(
    plans: list[tuple[int, int]], place: int
) -> None:
    mine, ahead, between = ReadsAhead((str(at), *wants) for at, wants in enumerate(plans)).chunks(str(place))
    before, own, after = plans[:place], plans[place : place + 1], plans[place + 1 :]
    assert mine == sum(asked for asked, _ in own)
    assert ahead == sum(asked for asked, _ in before)
    assert between == sum(missing for _, missing in before) + sum(asked for asked, _ in after)


@given(st.lists(st.tuples(st.integers(0, 4000), st.booleans(), st.integers(0, 60)), max_size=8), st.integers(0, 8))
def test_text_goes_first_wherever_it_stands_and_stored_prefixes_in_order(
    requests: list[tuple[int, bool, int]], place: int
) -> None:
    prefilling: list[tuple[str, int, int, Plan | None]] = []
    expected = 0.0
    for at, (token, stored, meeting) in enumerate(requests):
        plan = Plan(0, 60, 64) if stored else None
        if plan:
            plan.aim(meeting, meeting)
        prefilling.append((str(at), token, 4096, plan))
        if plan and at < place:
            expected += _seconds(token, meeting * 64) + _seconds(max(token, 60 * 64), 4096)
        elif not plan and at != place:
            expected += _seconds(token, 4096)
    assert ComputeAhead(prefilling, _seconds).seconds(str(place)) == pytest.approx(expected)
