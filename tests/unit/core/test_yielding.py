"""Rests between writes: none on a quiet volume, and far less than an equal part of a busy one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.yielding import EPOCH_SECONDS, EPOCHS, JITTER, TARGET_SECONDS, Yielding

PATIENCE = 8.0
SIZE = 10**7
QUIET = 0.1
"""Seconds of a write of that size on a quiet volume."""


@given(st.lists(st.floats(1.0, JITTER * 0.999), min_size=1))
def test_on_a_quiet_volume_no_writer_ever_rests(times: list[float]) -> None:
    yielding = Yielding()
    assert all(yielding.rest(SIZE, QUIET * one, float(now), patience=PATIENCE) == 0 for now, one in enumerate(times))


@given(st.lists(st.floats(0.0001, TARGET_SECONDS * 0.999), min_size=1))
def test_a_small_file_that_waits_for_something_else_than_the_volume_costs_no_rest(times: list[float]) -> None:
    yielding = Yielding()
    assert all(yielding.rest(1000, one, float(now), patience=PATIENCE) == 0 for now, one in enumerate(times))


@given(st.integers(1, 10**9), st.floats(1e-4, 10.0), st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_a_longer_write_is_followed_by_a_rest_that_is_no_shorter(
    size: int, quiet: float, more: float, most: float
) -> None:
    def rest(took: float) -> float:
        yielding = Yielding()
        yielding.rest(size, quiet, 0.0, patience=PATIENCE)
        return yielding.rest(size, took, 1.0, patience=PATIENCE)

    assert 0 <= rest(quiet + min(more, most)) <= rest(quiet + max(more, most))


@pytest.mark.parametrize(("others", "least", "most"), [(0, 1.0, 1.0), (1, 0.3, 0.4), (9, 0.12, 0.13), (99, 0.11, 0.12)])
def test_beside_others_a_writer_takes_a_ninth_of_an_equal_part_and_never_nothing(
    others: int, least: float, most: float
) -> None:
    yielding, took = Yielding(), QUIET * (1 + others)
    yielding.rest(SIZE, QUIET, 0.0, patience=PATIENCE)
    of_an_equal_part = took / (took + yielding.rest(SIZE, took, 1.0, patience=PATIENCE))
    assert least <= of_an_equal_part <= most


@given(st.integers(1, 8))
def test_writes_of_one_engine_that_take_each_others_time_cost_no_rest(writers: int) -> None:
    yielding = Yielding()
    yielding.rest(SIZE, QUIET, 0.0, patience=PATIENCE)
    assert yielding.rest(SIZE, writers * QUIET, 1.0, patience=PATIENCE, together=writers) == 0


def test_a_volume_that_has_become_slower_is_taken_for_quiet_after_ten_minutes_of_writes() -> None:
    yielding = Yielding()
    yielding.rest(SIZE, QUIET, 0.0, patience=PATIENCE)
    minutes = [minute * EPOCH_SECONDS for minute in range(1, EPOCHS + 1)]
    rests = [yielding.rest(SIZE, 10 * QUIET, at, patience=PATIENCE) for at in minutes]
    assert all(rests[:-1])
    assert not rests[-1]


def test_without_patience_a_writer_gives_way_to_nobody() -> None:
    yielding = Yielding()
    yielding.rest(SIZE, QUIET, 0.0, patience=0.0)
    assert yielding.rest(SIZE, 100 * QUIET, 1.0, patience=0.0) == 0


def test_a_pause_between_writes_forgets_nothing() -> None:
    yielding = Yielding()
    yielding.rest(SIZE, QUIET, 0.0, patience=PATIENCE)
    assert yielding.rest(SIZE, 10 * QUIET, 100 * EPOCHS * EPOCH_SECONDS, patience=PATIENCE) > 0
