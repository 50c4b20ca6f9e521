"""Who computes how many tokens in a step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.budget import FLOOR, OtherTokens, prefix_tokens


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
