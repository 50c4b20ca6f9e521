from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.tier_queue import TierQueue
from benchmarks.core.worlds import Tier
from cake_engine.core.tier_cost import TierCost

BLOCK = 1_000_000


def _read_in_turn(cost: TierCost, tier: Tier, blocks: int, start: float = 0.0) -> float:
    """Reads that the tier serves one after the other; returns when the last is there."""
    queue: TierQueue[int] = TierQueue(tier)
    for block in range(blocks):
        queue.ask(block, start)
    for arrival in queue.arrivals(float("inf")):
        cost.observe(BLOCK, arrival.began, arrival.ended, busy=arrival.together > 1)
        start = arrival.ended
    return start


def _read_together(cost: TierCost, readers: int, batches: int, latency: float, chunk_seconds: float) -> None:
    """Reads that the tier serves all at once, each as slowly as there are readers."""
    now = 0.0
    for _ in range(batches):
        began, now = now, now + latency + readers * chunk_seconds
        for reader in range(readers):
            cost.observe(BLOCK, began, now, busy=reader < readers - 1)


def test_nothing_is_known_before_the_first_read() -> None:
    cost = TierCost(readers=4)
    assert not cost.known
    assert cost.seconds(1, BLOCK) is None
    assert cost.error is None


@given(st.sampled_from([1, 4, 16]), st.floats(1e-4, 1.0), st.integers(20, 200))
@settings(max_examples=25)
def test_a_tier_that_serves_in_turn_is_known_after_twenty_reads(readers: int, seconds: float, blocks: int) -> None:
    cost = TierCost(readers)
    _read_in_turn(cost, Tier(seconds, readers=readers), blocks)
    for ahead in (16, 64, 256):
        assert cost.seconds(ahead, BLOCK) == pytest.approx(ahead * seconds, rel=0.1)


@pytest.mark.parametrize("readers", [1, 4, 16])
def test_a_tier_that_serves_all_readers_at_once_is_known_too(readers: int) -> None:
    cost = TierCost(readers)
    _read_together(cost, readers, 20, latency=0.0, chunk_seconds=0.01)
    assert cost.seconds(64, BLOCK) == pytest.approx(0.64, rel=0.1)


def test_latency_is_paid_once_by_all_that_are_read_together() -> None:
    cost = TierCost(readers=4)
    for batch in range(20):
        _read_together(cost, 1 if batch % 2 else 4, 1, latency=0.1, chunk_seconds=0.001)
    assert cost.seconds(1, BLOCK) == pytest.approx(0.101, rel=0.1)
    assert cost.seconds(4, BLOCK) == pytest.approx(0.104, rel=0.1)
    assert cost.seconds(40, BLOCK) == pytest.approx(1.04, rel=0.1)


@pytest.mark.parametrize("factor", [10.0, 3.0, 0.1])
def test_a_mount_that_slows_down_or_recovers_is_followed_within_twenty_reads(factor: float) -> None:
    cost = TierCost(readers=4)
    _read_in_turn(cost, Tier(0.01), 60)
    _read_in_turn(cost, Tier(0.01 * factor), 20)
    assert cost.seconds(40, BLOCK) == pytest.approx(0.4 * factor, rel=0.15)


def test_a_cap_slows_what_would_be_faster_and_nothing_else() -> None:
    cost = TierCost(readers=4)
    _read_in_turn(cost, Tier(0.01), 60)
    assert cost.seconds(100, BLOCK, cap=10e6) == pytest.approx(10.0, rel=0.05)
    assert cost.seconds(100, BLOCK, cap=1e12) == pytest.approx(1.0, rel=0.1)


def test_a_cap_lets_more_blocks_through_when_each_is_fewer_bytes_on_the_wire() -> None:
    cost = TierCost(readers=4)
    _read_in_turn(cost, Tier(0.01), 60)
    for _ in range(100):
        cost.observe_share(BLOCK // 2, BLOCK)
    assert cost.seconds(100, BLOCK, cap=10e6) == pytest.approx(5.0, rel=0.05)
    assert cost.seconds(100, BLOCK) == pytest.approx(1.0, rel=0.1)


def test_reads_that_wait_for_a_cap_do_not_count_as_slow() -> None:
    cost = TierCost(readers=4)
    for read in range(40):  # one every second, each of 10 ms
        cost.observe(BLOCK, began=float(read), ended=read + 0.01, busy=False)
    assert cost.seconds(1, BLOCK) == pytest.approx(0.01, rel=0.05)


def test_nothing_takes_no_time() -> None:
    cost = TierCost()
    cost.observe(BLOCK, 0.0, 0.01, busy=False)
    assert cost.seconds(0, BLOCK) == 0.0
