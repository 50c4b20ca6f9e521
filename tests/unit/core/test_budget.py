"""Who computes how many tokens in a step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.budget import FLOOR, SHORT_IN_A_ROW, OtherTokens, StepBudget, StepPrice, prefix_tokens


@pytest.mark.parametrize(
    ("others", "share", "tokens"),
    [
        (OtherTokens(), 0.1, 512),
        (OtherTokens(decode=12), 1.0, 500),
        (OtherTokens(decode=12, new_text=300), 1.0, 200),
        (OtherTokens(decode=12, new_text=300), 0.25, 128),
        (OtherTokens(new_text=5000), 1.0, 32),
        (OtherTokens(decode=12), 0.0, 32),
    ],
    ids=[
        "nobody else: the whole step, whatever the share",
        "decode goes first",
        "then new text",
        "no more than the share while others want tokens",
        "a few however much others want",
        "a few even with a share of nothing",
    ],
)
def test_stored_prefixes_get(others: OtherTokens, share: float, tokens: int) -> None:
    assert prefix_tokens(512, others, share) == tokens


@given(st.integers(1, 8192), st.integers(0, 9000), st.integers(0, 9000), st.floats(0, 1))
def test_others_lose_no_more_than_the_floor_and_prefixes_never_stand_still(
    step: int, decode: int, new_text: int, share: float
) -> None:
    tokens = prefix_tokens(step, OtherTokens(decode, new_text), share)
    assert 1 <= tokens <= step
    assert step - tokens >= min(decode + new_text, step - max(1, int(FLOOR * step)))


PRICE = StepPrice(fixed=0.05, token=0.001, in_line=3)


@pytest.mark.parametrize(
    ("others", "loads_end_in", "price", "tokens"),
    [
        (OtherTokens(), [], PRICE, 512),
        (OtherTokens(new_text=20, ending=1), [], PRICE, 0),
        (OtherTokens(new_text=20, ending=1), [], None, 492),
        (OtherTokens(new_text=20, ending=1), [], StepPrice(0.05, 0.001, in_line=12), 492),
        (OtherTokens(), [0.1], PRICE, 100),
        (OtherTokens(), [0.4], PRICE, 512),
        (OtherTokens(), [0.1, 0.3], PRICE, 100),
        (OtherTokens(new_text=20, ending=1), [0.1], PRICE, 0),
    ],
    ids=[
        "nobody is held up",
        "a prompt ends: its first token does not wait for a stored prefix",
        "nothing is known of the costs yet",
        "so many are in line that another step costs more",
        "loads are there soon: what is computed until then holds nobody up",
        "loads are there soon enough",
        "the first whose loads are there counts",
        "a prompt ends while another waits for loads",
    ],
)
def test_a_step_has_room_for_stored_prefixes_of(
    others: OtherTokens, loads_end_in: list[float], price: StepPrice | None, tokens: int
) -> None:
    budget = StepBudget(512)
    budget.begin()
    budget.open(others, 1.0, price, loads_end_in)
    assert budget.left == tokens


def test_when_a_stored_prefix_is_done_with_a_step_others_are_computed_in_the_next() -> None:
    budget = StepBudget(512)
    budget.begin()
    budget.open(OtherTokens(), 1.0, PRICE)
    budget.take(100, loads_later=None)
    assert budget.left == 412
    budget.take(100, loads_later=0.0)
    assert budget.left == 0


def test_what_is_computed_while_loads_are_late_holds_nobody_up() -> None:
    budget = StepBudget(512)
    budget.begin()
    budget.open(OtherTokens(), 1.0, PRICE)
    budget.take(100, loads_later=0.05)
    assert budget.left == 50


@given(st.lists(st.booleans(), min_size=30, max_size=60))
def test_stored_prefixes_never_stand_still_however_many_prompts_end(end: list[bool]) -> None:
    budget, since = StepBudget(512), 0
    for ending in end:
        budget.begin()
        budget.open(OtherTokens(new_text=20, ending=int(ending)), 1.0, PRICE)
        since = 0 if budget.left else since + 1
        assert since <= SHORT_IN_A_ROW
