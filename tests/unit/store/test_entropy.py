"""Runs of whole numbers come back as they were, in nearly as few bits as can be, and what is damaged is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.codecs import entropy
from cake_engine.store.codecs.entropy import Codes, packed, unpacked

runs = st.lists(st.lists(st.integers(-255, 255), min_size=1, max_size=200), min_size=1, max_size=4)


def codes(*numbers: int) -> Codes:
    return np.array(numbers, np.int16)


def bell(size: int, spread: float) -> Codes:
    return np.round(np.random.default_rng(1).normal(size=size) * spread).astype(np.int16)


@given(runs)
def test_runs_come_back(numbers: list[list[int]]) -> None:
    given = [codes(*run) for run in numbers]
    back = unpacked(memoryview(packed(given)), [run.size for run in given])

    assert [run.tolist() for run in back] == numbers


@pytest.mark.parametrize("spread", [0.5, 3, 40])
def test_it_takes_hardly_more_bits_than_the_frequencies_ask_for(spread: float) -> None:
    run = bell(50_000, spread)
    _, counts = np.unique(run, return_counts=True)
    shares = counts / counts.sum()

    assert 8 * len(packed([run])) <= 1.01 * run.size * -(shares * np.log2(shares)).sum() + 8 * 300


def test_a_long_run_is_the_same_whatever_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [bell(1000, 2), bell(77, 9)]
    content = packed(given)
    monkeypatch.setattr(entropy, "_AT_ONCE", 50)

    assert packed(given) == content
    assert [run.tolist() for run in unpacked(memoryview(content), [1000, 77])] == [run.tolist() for run in given]


@pytest.mark.parametrize("often", [1, 2, 3, 254, 255, 256, 1000, 100_003])
def test_what_occurs_most_has_the_greatest_weight_and_what_occurs_once_has_one(often: int) -> None:
    run = np.concatenate([np.zeros(often, np.int16), codes(3)])
    largest, *weights = packed([run])[:5]

    assert largest == 3
    assert weights[0] == 255
    assert weights[1:] == [0, 0, math.ceil(255 / 2 / often)]


GOOD = packed([codes(0, 1, -1, 0), codes(7, 7, -200)])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "table"),
        (GOOD[:1], "table"),
        (b"\x00" + GOOD[1:], "table"),
        (b"\x01\x00\x00" + GOOD[3:], "table"),
        (b"\xff" * 300, "table"),
        (GOOD[:-1], "whole words"),
        (GOOD[:-4], None),
        (GOOD[:-4] + bytes(4), "arithmetic coder"),
        (GOOD + b"\x01\x00\x00\x00", "more in it"),
    ],
)
def test_what_is_no_content_of_such_runs_is_refused(content: bytes, sentence: str | None) -> None:
    if sentence is None:  # words that lack: other numbers, unless the rest happens not to come out even
        assert unpacked_or_none(content) != [[0, 1, -1, 0], [7, 7, -200]]
        return
    with pytest.raises(ValueError, match=sentence):
        unpacked(memoryview(content), [4, 3])


@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(content: bytes) -> None:
    unpacked_or_none(content)


def unpacked_or_none(content: bytes) -> list[list[int]] | None:
    try:
        return [run.tolist() for run in unpacked(memoryview(content), [4, 3])]
    except ValueError:
        return None
