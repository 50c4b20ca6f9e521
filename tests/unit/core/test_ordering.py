"""Which read goes first."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.ordering import Claim, ReadOrder


@pytest.mark.parametrize(
    ("claims", "first"),
    [
        ([Claim("shallow", "a", 1.0), Claim("deep", "b", 2.0)], "deep"),
        ([Claim("waiting", "a", 9.0, turn=1), Claim("admitted", "b", 1.0)], "admitted"),
        ([Claim("later", "a", 9.0, turn=2), Claim("sooner", "b", 1.0, turn=1)], "sooner"),
        ([Claim("deep", "a", 3.0), Claim("one", "b", 2.0), Claim("another", "b", 2.0)], "one"),
    ],
    ids=[
        "what saves more compute for a byte",
        "admitted before waiting",
        "of those that wait, whose turn is sooner",
        "what several want saves compute for all of them",
    ],
)
def test_the_read_that_goes_first_is(claims: list[Claim], first: str) -> None:
    assert ReadOrder().pick(claims).request == first


@given(
    st.lists(st.floats(0.001, 1000.0), min_size=2, max_size=12),
    st.integers(1, 20),
    st.booleans(),
)
def test_no_admitted_request_starves_whatever_the_others_save(
    savings: list[float], patience: int, distinct: bool
) -> None:
    order, requests = ReadOrder(patience), len(savings)
    served: Counter[str] = Counter()
    since = dict.fromkeys(range(requests), 0)
    for turn in range(3 * (patience + requests)):
        claims = [
            Claim(f"r{i}", (i, served[f"r{i}"]) if distinct else served[f"r{i}"], saving)
            for i, saving in enumerate(savings)
        ]
        chosen = order.pick(claims)
        for i, claim in enumerate(claims):
            if claim.key == chosen.key:
                served[claim.request] += 1
                since[i] = turn
            assert turn - since[i] <= patience + requests


def test_a_request_that_ended_leaves_nothing_behind() -> None:
    order = ReadOrder()
    for _ in range(5):
        order.pick([Claim("a", 1, 1.0), Claim("b", 2, 2.0)])
    order.forget("a")
    order.forget("b")
    assert len(order) == 0
