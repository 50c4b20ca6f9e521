from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_simulator.conversations import Reading, conversations
from cake_simulator.trace import Request

SOME = Reading(1.0, documents=20, document_tokens=(1000, 5000), thinking_seconds=20.0)


def by_conversation(requests: list[Request]) -> dict[int, list[Request]]:
    """Requests by the last block of their own, those of one conversation together."""
    found: dict[int, list[Request]] = {}
    for one in requests:
        key = next((block for block in one.blocks if block >= 1 << 52), None)
        if key is not None:
            found.setdefault(key >> 12, []).append(one)
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(1.0, 8.0), st.floats(0.0, 2.0), st.sampled_from([128, 512]))
def test_requests_come_in_order_with_a_block_for_each_full_part_of_the_prompt(
    seed: int, turns: float, popularity: float, block_tokens: int
) -> None:
    reading = replace(SOME, seed=seed, turns=turns, popularity=popularity, block_tokens=block_tokens)
    found = list(conversations(reading, 60.0))
    assert [one.number for one in found] == list(range(len(found)))
    assert all(a.arrival <= b.arrival for a, b in pairwise(found))
    assert all(0 <= one.arrival < 60 for one in found)
    assert all(len(one.blocks) == one.input_tokens // block_tokens for one in found)
    assert all(len(set(one.blocks)) == len(one.blocks) for one in found)


def test_every_turn_repeats_all_blocks_of_the_turn_before_it() -> None:
    talks = by_conversation(list(conversations(replace(SOME, turns=6.0), 600.0)))
    pairs = [pair for talk in talks.values() for pair in pairwise(talk)]
    assert len(pairs) > 100
    assert all(after.blocks[: len(before.blocks)] == before.blocks for before, after in pairs)
    assert all(after.input_tokens > before.input_tokens + before.output_tokens for before, after in pairs)


def test_conversations_share_their_document_and_nothing_else() -> None:
    talks = list(by_conversation(list(conversations(SOME, 600.0))).values())
    document = {talk[-1].blocks[0] for talk in talks}
    assert len(document) <= SOME.documents
    own = Counter(block for talk in talks for block in set(talk[-1].blocks) if block >= 1 << 52)
    assert max(own.values()) == 1


def test_popular_documents_are_asked_about_more_often() -> None:
    def share_of_the_first(popularity: float) -> float:
        found = list(conversations(replace(SOME, popularity=popularity), 2000.0))
        return sum(one.blocks[0] == 0 for one in found) / len(found)

    assert share_of_the_first(1.5) > 2 * share_of_the_first(0.5) > 2 * share_of_the_first(0.0) * 0.9


def test_the_mean_number_of_turns_is_kept() -> None:
    found = by_conversation(list(conversations(replace(SOME, question_tokens=(600, 900)), 3000.0)))
    finished = [talk for talk in found.values() if talk[0].arrival < 2000]
    assert sum(map(len, finished)) / len(finished) == pytest.approx(SOME.turns, rel=0.1)


def test_a_course_lets_fewer_begin() -> None:
    half = replace(SOME, turns=1.0, course=lambda at: 1.0 if at < 500 else 0.2)
    found = Counter(one.arrival < 500 for one in conversations(half, 1000.0))
    assert found[False] == pytest.approx(0.2 * found[True], rel=0.4)
