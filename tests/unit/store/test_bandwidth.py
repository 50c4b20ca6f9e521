"""The bandwidth cap, on a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.bandwidth import BandwidthCap

SLACK = 0.05


def served(sizes: list[int], rates: list[float], *, late: list[float] | None = None) -> list[tuple[float, int]]:
    """When each transfer happened, all asked for at 0, the caller waking late by so much."""
    cap, now, done = BandwidthCap(SLACK), 0.0, []
    for number, size in enumerate(sizes):
        rate = rates[number % len(rates)]
        now = max(now, cap.due(size, rate, 0.0)) + (late[number % len(late)] if late else 0.0)
        cap.take(size, rate, 0.0, now)
        done.append((now, size))
    return done


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=60),
    st.floats(100, 1e6),
    st.lists(st.floats(0, 0.3), min_size=1, max_size=10),
)
def test_no_window_gets_more_than_its_rate(sizes: list[int], rate: float, late: list[float]) -> None:
    done = served(sizes, [rate], late=late)

    for first in range(len(done)):
        for last in range(first, len(done)):
            window = done[last][0] - done[first][0]
            allowed = rate * (window + SLACK) + done[first][1]
            assert sum(size for _, size in done[first : last + 1]) <= allowed * (1 + 1e-9) + 1e-6


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=60), st.floats(100, 1e6))
def test_a_prompt_caller_gets_the_whole_rate(sizes: list[int], rate: float) -> None:
    assert served(sizes, [rate])[-1][0] == pytest.approx(sum(sizes) / rate)


def test_small_delays_of_the_caller_cost_no_bandwidth() -> None:
    done = served([1000] * 100, [100_000.0], late=[0.004])

    assert done[-1][0] == pytest.approx(1.0, abs=0.01)


def test_the_first_transfer_after_a_pause_pays_for_itself() -> None:
    cap = BandwidthCap(SLACK)
    cap.take(1000, 1000.0, 0.0, cap.due(1000, 1000.0, 0.0))

    assert cap.due(500, 1000.0, 60.0) == pytest.approx(60.5)


def test_a_small_transfer_waits_for_what_is_ahead_and_for_itself() -> None:
    cap = BandwidthCap(SLACK)
    cap.take(100_000, 10_000.0, 0.0, cap.due(100_000, 10_000.0, 0.0))

    assert cap.due(10, 10_000.0, 0.0) == pytest.approx(10.001)


def test_without_a_cap_everything_is_due_when_asked() -> None:
    cap = BandwidthCap(SLACK)
    cap.take(10**9, None, 5.0, 5.0)

    assert cap.due(10**9, None, 5.0) == 5.0


def test_a_changed_rate_holds_from_the_next_transfer() -> None:
    times = [at for at, _ in served([1000] * 4, [1000.0, 1000.0, 10_000.0, 10_000.0])]

    assert times == pytest.approx([1.0, 2.0, 2.1, 2.2])


def test_a_rate_that_is_lifted_forgets_the_debt() -> None:
    cap = BandwidthCap(SLACK)
    cap.take(1000, 10.0, 0.0, 100.0)
    cap.take(1000, None, 100.0, 100.0)

    assert cap.due(1000, 1000.0, 100.0) == pytest.approx(101.0)
