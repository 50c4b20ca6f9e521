import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ttft.grid import Contender
from benchmarks.ttft.oracle import Prices, busy_seconds, compute_curve
from tests.unit.benchmarks.ttft.plays import CHUNK, CHUNKS, answer, computed, play, step

FLAT = tuple(float(k) for k in range(9))
"""Eight chunks, a second each."""


@pytest.mark.parametrize(
    ("chunk_load", "split", "seconds"),
    [
        (1.0, 4, 4.0),  # both ends take half each
        (3.0, 6, 6.0),
        (1 / 3, 2, 2.0),
        (0.0, 0, 0.0),  # what costs nothing to load is not computed
        (100.0, 8, 8.0),  # and what takes for ever is
    ],
)
def test_both_ends_finish_together_where_the_oracle_splits(chunk_load: float, split: int, seconds: float) -> None:
    prices = Prices(FLAT, chunk_load, last_step=0.5)
    assert (prices.best_split(), prices.best()) == (split, pytest.approx(seconds + 0.5))


def test_loads_that_begin_at_arrival_overlap_with_other_work_of_the_engine() -> None:
    late = Prices(FLAT, 1.0, last_step=0.0, busy=4.0, loads_from=4.0)
    early = Prices(FLAT, 1.0, last_step=0.0, busy=4.0)
    assert (late.best(), early.best()) == (8.0, 6.0)


def test_the_second_of_two_equal_requests_takes_twice_the_work_and_a_short_step_of_the_first() -> None:
    prices = Prices(FLAT, 1.0, last_step=0.5)
    assert prices.best(place=2) == pytest.approx(8.5 + 0.5)
    assert prices.best_mean(2) == pytest.approx((4.5 + 9.0) / 2)


costs = st.lists(st.floats(0.01, 2.0), min_size=1, max_size=20).map(sorted)


@given(costs, st.floats(0.0, 3.0), st.integers(1, 4))
def test_no_single_resource_beats_the_oracle(steps: list[float], chunk_load: float, place: int) -> None:
    curve = [sum(steps[:k]) for k in range(len(steps) + 1)]
    prices = Prices(curve, chunk_load, last_step=0.1)
    single = min(prices.both_ends(0, place), prices.both_ends(prices.chunks, place))
    assert prices.best(place) <= single + 0.1


def test_the_curve_is_the_median_of_the_rounds_and_straight_within_a_step() -> None:
    curve = compute_curve([computed(4.0), computed(100.0), computed(2.0)], "p", CHUNKS, CHUNK)
    assert curve == pytest.approx([float(k) for k in range(CHUNKS + 1)])


def test_a_curve_needs_the_whole_prefix_computed() -> None:
    with pytest.raises(ValueError, match="computed up to token"):
        compute_curve([computed()], "p", 2 * CHUNKS, CHUNK)


def test_the_engine_is_busy_from_a_requests_arrival_to_its_first_step() -> None:
    first = step(3.0, 4.0, ("other", 0, 256))
    own = step(4.0, 5.0, ("p", 0, 256))
    waited = play(Contender.COMPUTE_ONLY, answer(5.0, arrived=1.5), steps=(first, own))
    assert busy_seconds([waited], "p") == 2.5
