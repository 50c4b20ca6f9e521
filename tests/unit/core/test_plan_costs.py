from __future__ import annotations

import pytest

from cake_engine.config import LiveConfig
from cake_engine.core.cost import ComputeCost, Span
from cake_engine.core.plan import Plan
from cake_engine.core.plan_costs import Demand, PlanCosts, Waiting
from cake_engine.core.tier_cost import TierCost

CHUNK_BYTES = 1_000_000
DECODE = 0.004


def _costs(live: LiveConfig | None = None, silent: float = 0.0, **plans: Plan) -> PlanCosts:
    """1 ms a token, 4 ms a decoding request, 10 ms a chunk; `ahead`, `mine` and `behind` are in prefill."""
    compute, tier = ComputeCost(), TierCost()
    for step in range(60):
        tokens, decoding = 64 + 32 * (step % 8), 16 * (step % 3)
        start = 512 * (5 * step % 8)
        compute.observe([Span(start, start + tokens)], decoding, 0.001 * tokens + DECODE * decoding)
        tier.observe(CHUNK_BYTES, float(step), step + 0.01, busy=False)
    costs = PlanCosts(compute, {"files": tier}, CHUNK_BYTES, step_tokens=512)
    waiting = [Waiting("next", 0, 1024), Waiting("last", 2048, 4096, {"files": 64})]
    demand = Demand(0, [("ahead", 0, 4096), ("mine", 0, 4096), ("behind", 0, 4096)], waiting, beyond=3)
    costs.look(demand, plans or {"mine": _plan()}, live or LiveConfig(), {"files": silent, "another": 60.0})
    return costs


def _plan(meeting: int = 64) -> Plan:
    plan = Plan(0, 64, 64, tiers=dict.fromkeys(range(64), "files"))
    plan.aim(meeting, meeting)
    return plan


def test_new_text_of_others_goes_first_wherever_it_stands() -> None:
    assert _costs().of("mine").compute_ahead == pytest.approx(2 * 4.096, rel=0.05)


def test_stored_prefixes_go_in_order_and_as_far_as_their_meeting_point() -> None:
    costs = _costs(ahead=_plan(16), mine=_plan(), behind=_plan()).of("mine")
    assert costs.compute_ahead == pytest.approx(1.024, rel=0.05)


def test_a_request_that_does_not_run_yet_is_behind_all_that_do() -> None:
    costs = _costs(ahead=_plan(16), mine=_plan(16), behind=_plan(16)).of("new")
    assert costs.compute_ahead == pytest.approx(3 * 1.024, rel=0.05)


@pytest.mark.parametrize(
    ("request_id", "behind"),
    [("ahead", 2 + 2 + 3), ("mine", 1 + 2 + 3), ("behind", 2 + 3)],
)
def test_those_admitted_later_and_all_that_wait_are_behind_a_request(request_id: str, behind: int) -> None:
    assert _costs(ahead=_plan(), mine=_plan(), behind=_plan()).behind(request_id) == behind


def test_a_request_is_not_behind_itself_while_it_is_admitted() -> None:
    assert _costs(mine=_plan(), next=_plan()).behind("next") == 1 + 3


def test_nobody_is_delayed_by_the_last() -> None:
    costs = _costs(mine=_plan())
    costs.look(Demand(), {"mine": _plan()}, LiveConfig(), {})
    assert costs.of("mine").delay is None


def test_who_waits_is_delayed_by_what_it_needs_itself() -> None:
    # `next` has text alone, `last` has 0.64 s to load while 1 s of that is computed; the three beyond have text alone.
    delay = _costs(mine=_plan()).of("mine").delay
    assert delay is not None
    assert delay(0.5, 10.0) == pytest.approx(0.5 + (10.0 - (1.024 - 0.64)) + 3 * 0.5, rel=0.05)


def test_reads_of_requests_before_go_first_and_those_of_requests_behind_only_where_they_were_asked_for() -> None:
    before, mine, behind = _plan(44), _plan(), _plan(44)
    for chunk in range(63, 53, -1):
        before.fetching(chunk)
        behind.fetching(chunk)
    mine.fetching(63)
    loads = _costs(before=before, mine=mine, behind=behind).of("mine").loads["files"]
    assert loads.asked == 1
    assert loads.arrived(1) == pytest.approx(0.1 + 0.01, rel=0.05)
    assert loads.arrived(5) == pytest.approx(0.1 + 0.05 + (0.1 + 0.1), rel=0.05)


def test_reads_that_are_no_more_worth_it_do_not_make_up_for_those_that_others_miss() -> None:
    before, another, mine = _plan(64), _plan(54), _plan()
    for chunk in range(10):  # asked for while the meeting point was lower
        before.fetching(chunk)
    loads = _costs(before=before, another=another, mine=mine).of("mine").loads["files"]
    assert loads.arrived(5) == pytest.approx(0.1 + 0.05 + 0.1, rel=0.05)


@pytest.mark.parametrize(("silent", "seconds"), [(0.0, 0.1), (0.015, 0.1), (1.0, 10.0)])
def test_a_read_takes_no_less_than_it_has_been_waited_for(silent: float, seconds: float) -> None:
    loads = _costs(silent=silent).of("mine").loads["files"]
    assert loads.seconds is not None
    assert loads.seconds(10) == pytest.approx(seconds, rel=0.05)


def test_a_cap_on_the_tier_counts() -> None:
    live = LiveConfig(load_bandwidth_bytes_per_second={"files": 10e6})
    loads = _costs(live).of("mine").loads["files"]
    assert loads.seconds is not None
    assert loads.seconds(10) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(("share", "steps"), [(1.0, 9), (0.5, 16), (0.25, 32)])
def test_while_others_decode_compute_takes_their_time_and_gets_its_share(share: float, steps: int) -> None:
    costs = _costs(LiveConfig(prefix_token_share=share))
    costs.look(Demand(decoding=32), {"mine": _plan()}, LiveConfig(prefix_token_share=share), {})
    compute = costs.of("mine").compute
    assert compute is not None
    assert compute(0, 4096) == pytest.approx(4.096 + steps * 32 * DECODE, rel=0.05)


def test_what_was_never_measured_is_said_to_be_unknown() -> None:
    costs = PlanCosts(ComputeCost(), {"files": TierCost()}, CHUNK_BYTES, step_tokens=512)
    costs.look(Demand(), {"mine": _plan()}, LiveConfig(), {})
    mine = costs.of("mine")
    assert mine.compute is None
    assert mine.loads["files"].seconds is None
    assert mine.doubt == pytest.approx(0.25)
    assert costs.errors() == {}


def test_the_doubt_is_the_larger_of_the_errors() -> None:
    costs = _costs()
    assert set(costs.errors()) == {"compute", "files"}
    assert costs.of("mine").doubt == max(costs.errors().values())
