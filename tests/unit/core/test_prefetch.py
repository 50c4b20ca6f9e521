"""What is read ahead for requests that wait."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.prefetch import Ahead, allowance


@pytest.mark.parametrize(
    ("capacity", "share", "chunks"),
    [(512, 0.5, 256), (512, 0.0, 0), (512, 1.0, 448), (4, 0.5, 2), (4, 1.0, 3), (2, 1.0, 1)],
)
def test_waiting_requests_may_hold_their_share_and_never_all(capacity: int, share: float, chunks: int) -> None:
    assert allowance(capacity, share) == chunks


def test_a_prefix_is_read_back_to_front_down_to_its_floor() -> None:
    ahead, asked = Ahead(2, 8), []
    for chunk in ahead.wanted(floor=4):
        ahead.ask(chunk)
        asked.append(chunk)
    assert asked == [7, 6, 5, 4]
    assert list(ahead.wanted()) == [3, 2]


def test_what_was_given_back_is_read_again_and_what_is_lost_is_not() -> None:
    ahead = Ahead(0, 4)
    for chunk in ahead.wanted():
        ahead.ask(chunk)
    ahead.hold(3)
    ahead.give_back(2)
    ahead.lose(1)
    ahead.give_back(0)
    assert list(ahead.wanted()) == [2, 0]
    assert ahead.held == {3}


@given(st.lists(st.sampled_from(["ask", "hold", "give", "lose"]), max_size=60), st.data())
def test_every_chunk_is_asked_held_lost_or_wanted(events: list[str], data: st.DataObject) -> None:
    tiers = {chunk: ("memory", "shared")[chunk % 2] for chunk in range(6)}
    ahead = Ahead(0, 6, tiers=tiers)
    for event in events:
        chunk = next(ahead.wanted(), None)
        if event == "ask" and chunk is not None:
            ahead.ask(chunk)
        elif event == "hold" and ahead.asked:
            ahead.hold(data.draw(st.sampled_from(sorted(ahead.asked))))
        elif event == "give" and ahead.asked | ahead.held:
            ahead.give_back(data.draw(st.sampled_from(sorted(ahead.asked | ahead.held))))
        elif event == "lose" and ahead.asked:
            ahead.lose(data.draw(st.sampled_from(sorted(ahead.asked))))
    assert set(ahead.wanted()) == set(range(6)) - ahead.asked - ahead.held - ahead._lost
    assert +ahead.to_come == Counter(tiers[chunk] for chunk in range(6) if chunk not in ahead.held)
