"""What it is worth to keep a block."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.cost import _PRIOR
from cake_engine.core.retention import DOUBLING_TOKENS, MOST_TOKENS, MOST_USES, SETTLING_SECONDS, saving, worth

POSITIONS = st.integers(0, 1 << 32)
USES = st.integers(0, 100)
IDLE = st.floats(0, 1e9)


@given(POSITIONS, POSITIONS, USES, IDLE)
def test_of_one_prefix_the_head_is_never_worth_more_than_the_tail(one: int, other: int, uses: int, idle: float) -> None:
    head, tail = sorted((one, other))
    assert worth(saving(head), uses, idle) <= worth(saving(tail), uses, idle)


@given(POSITIONS, USES, IDLE, IDLE)
def test_it_falls_with_time_and_grows_with_uses(position: int, uses: int, one: float, other: float) -> None:
    young, old = sorted((one, other))
    assert worth(saving(position), uses, old) <= worth(saving(position), uses, young)
    assert worth(saving(position), uses, one) <= worth(saving(position), uses + 1, one)


@given(POSITIONS, USES)
def test_nothing_outlives_its_use_for_ever(position: int, uses: int) -> None:
    longest = SETTLING_SECONDS * (sqrt(saving(MOST_TOKENS) * (1 + MOST_USES)) - 1)
    assert worth(saving(position), uses, longest + 1.0) < worth(saving(0), 0, 0.0)


def test_a_token_costs_twice_as_much_where_the_cost_model_takes_it_to_at_first() -> None:
    _, token, position, _ = _PRIOR
    assert saving(DOUBLING_TOKENS) == 2 * saving(0)
    assert token / position == pytest.approx(DOUBLING_TOKENS)


def test_a_clock_that_went_back_makes_nothing_worth_more_than_what_is_used_now() -> None:
    assert worth(1.0, 0, -1e9) == worth(1.0, 0, 0.0)
