from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_simulator.ended import Ended
from cake_simulator.hardware import HardwareError, load
from cake_simulator.tally import Objective, Percentiles, Tally
from tests.unit.simulator.fleets import request


@given(st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=200), st.integers(1, 100))
def test_a_percentile_is_exact_to_a_hundredth(values: list[float], percentile: int) -> None:
    found = Percentiles()
    for value in values:
        found.add(value)
    exact = float(np.percentile(values, percentile, method="inverted_cdf"))
    assert found.at(percentile) == pytest.approx(exact, rel=0.01)


def test_nothing_has_no_percentile() -> None:
    assert Percentiles().at(90) is None
    assert Tally(Objective()).attainment is None


@pytest.mark.parametrize(
    ("ttft", "gap", "whole", "kept"),
    [(1.0, 0.05, True, True), (4.1, 0.05, True, False), (3.9, None, True, True), (1.0, 0.2, True, False),
     (1.0, 0.05, False, False), (None, None, False, False)],
)  # fmt: skip
def test_a_promise_is_kept_in_both_latencies_with_what_a_long_prompt_is_granted(
    ttft: float | None, gap: float | None, whole: bool, kept: bool
) -> None:
    tally = Tally(Objective(2.0, 2.0, 0.1))
    assert tally.add(Ended(request(0, 0.0, 10), ttft, gap, 5, whole), alone=1.0) is kept
    assert tally.attainment == float(kept)


def test_a_profile_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(HardwareError, match="no hardware profile h200: write the path of a file, or one of"):
        load("h200")
