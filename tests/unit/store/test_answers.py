"""What is remembered of very many keys in little memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.answers import Answers
from tests.unit.store.conftest import key_of


def test_what_was_put_is_known_and_the_last_word_counts() -> None:
    answers = Answers(64)
    answers.put(b"a", True, 10.0)
    answers.put(b"b", False, 20.0)
    assert (answers.end(b"a"), answers.end(b"b"), answers.end(b"c")) == (10.0, -20.0, 0.0)

    answers.put(b"a", False, 30.0)
    assert answers.end(b"a") == -30.0


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.floats(0.1, 1e9)), max_size=60))
def test_an_answer_is_the_last_one_given_or_forgotten(said: list[tuple[int, bool, float]]) -> None:
    answers, last = Answers(16), dict[int, float]()
    for number, present, end in said:
        answers.put(key_of(number), present, end)
        last[number] = end if present else -end
        assert answers.end(key_of(number)) == last[number]

    assert all(answers.end(key_of(number)) in (0.0, last.get(number)) for number in range(61))


def test_half_as_many_keys_as_places_are_nearly_all_remembered_and_the_newest_always() -> None:
    answers = Answers(1 << 14)
    for number in range(1 << 13):
        answers.put(key_of(number), True, 1.0 + number)

    known = [answers.end(key_of(number)) != 0.0 for number in range(1 << 13)]
    assert sum(known) > 0.97 * len(known)
    assert all(known[-100:])


def test_memory_is_sixteen_bytes_a_place_however_much_is_put() -> None:
    tracemalloc.start()
    try:
        answers = Answers(1 << 12)
        for number in range(20_000):
            answers.put(key_of(number), True, 1.0)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 1.2 * 16 * (1 << 12) + 10_000
