from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment

from cake_simulator.file_tier import FileTier, Kept, TierSpeed, least_recently_used
from cake_simulator.port import Port, ReadDone
from cake_simulator.stream import Stream

WRITE_ROOM = 20


def ends(rate: float, transfers: list[tuple[float, float]]) -> list[float]:
    """When each of (begin, size) is through."""
    env, found = Environment(), [0.0] * len(transfers)
    stream = Stream(env, rate)

    def note(number: int) -> None:
        found[number] = env.now

    for number, (begin, size) in enumerate(transfers):
        begun = env.timeout(begin)
        begun.callbacks.append(lambda _, n=number, s=size: stream.join(s, lambda: note(n)))
    env.run()
    return found


@pytest.mark.parametrize(
    ("transfers", "expected"),
    [
        ([(0, 10)], [1.0]),
        ([(0, 10), (0, 10)], [2.0, 2.0]),
        ([(0, 10), (0.5, 10)], [1.5, 2.0]),
        ([(0, 30), (1, 5)], [3.5, 2.0]),
        ([(0, 10), (5, 10)], [1.0, 6.0]),
        ([(0, 5), (0, 10), (0, 15)], [1.5, 2.5, 3.0]),
    ],
)
def test_bandwidth_is_shared_equally_among_those_that_transfer(
    transfers: list[tuple[float, float]], expected: list[float]
) -> None:
    assert ends(10.0, transfers) == pytest.approx(expected)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 100)), min_size=1, max_size=30))
def test_all_bytes_go_through_at_the_bandwidth_and_none_faster(transfers: list[tuple[float, float]]) -> None:
    found = ends(10.0, transfers)
    assert all(end >= begin + size / 10 - 1e-6 for end, (begin, size) in zip(found, transfers, strict=True))
    idle_at_most = max(begin for begin, _ in transfers)
    assert max(found) <= idle_at_most + sum(size for _, size in transfers) / 10 + 1e-6


def port(readers: int = 2, latency: float = 0.5, **caps: float) -> tuple[Environment, FileTier, Port, list[ReadDone]]:
    env, done = Environment(), []
    speed = TierSpeed(bytes_per_second=10, latency=latency, readers=readers, writers=1)
    tier = FileTier(env, "shared", speed, 100)
    return env, tier, Port(env, tier, 10.0, done.append, WRITE_ROOM, **caps), done


def test_reads_in_flight_pay_latency_together_and_those_behind_wait_for_a_reader() -> None:
    env, tier, way, done = port()
    for key in range(3):
        tier.written(key)
        way.read(key, ahead=False)
    env.run()
    assert [one.ended for one in done] == pytest.approx([2.5, 2.5, 4.0])


def test_a_request_with_a_seat_is_read_for_before_those_that_wait() -> None:
    env, tier, way, done = port(readers=1)
    for key, ahead in ((0, True), (1, True), (2, False)):
        tier.written(key)
        way.read(key, ahead=ahead)
    env.run()
    assert [one.key for one in done] == [0, 2, 1]


def test_a_read_that_has_not_begun_can_be_taken_back_and_asked_for_again() -> None:
    env, tier, way, done = port(readers=1)
    for key in range(3):
        tier.written(key)
        way.read(key, ahead=False)
    assert not way.take_back(0)
    assert way.take_back(1)
    assert way.take_back(2)
    way.read(2, ahead=False)
    assert way.in_flight == 2
    env.run()
    assert [one.key for one in done] == [0, 2]


def test_a_chunk_that_has_left_is_told_as_not_found() -> None:
    env, _, way, done = port()
    way.read(7, ahead=False)
    env.run()
    assert [(one.key, one.found) for one in done] == [(7, False)]


def test_a_cap_spaces_reads_out() -> None:
    env, tier, way, done = port(latency=0.0, read_cap=5.0)
    for key in range(3):
        tier.written(key)
        way.read(key, ahead=False)
    env.run()
    assert [one.ended for one in done] == pytest.approx([1.0, 3.0, 5.0])


def test_writes_slow_reads_and_more_than_there_is_room_for_is_not_stored() -> None:
    env, tier, way, done = port(latency=0.0)
    tier.written(1000)
    for key in range(WRITE_ROOM + 5):
        way.write(key)
    way.read(1000, ahead=False)
    env.run()
    assert done[0].ended == pytest.approx(2.0)
    assert way.skipped == 5
    assert way.bytes_written == 10 * WRITE_ROOM


@pytest.mark.parametrize(("write_rest", "of_an_equal_part"), [(0.0, 1.0), (8.0, 1 / (1 + 8 * 0.85))])
def test_beside_reads_of_another_pod_writes_that_give_way_take_less_and_all_when_those_end(
    write_rest: float, of_an_equal_part: float
) -> None:
    env, tier, way, _ = port(latency=0.0)
    way.write_rest = write_rest
    way.write(0)
    env.run()
    reads = 9
    for _ in range(reads):
        tier.stream.join(1e4, lambda: None)  # until 9000 s and more
    for key in range(1, WRITE_ROOM):
        way.write(key)
    env.run(until=101.0)
    equal = 100.0 * 10.0 / (reads + 1)
    assert way.bytes_written - 10.0 == pytest.approx(of_an_equal_part * equal, abs=10.0)
    env.run()
    assert way.bytes_written == 10.0 * WRITE_ROOM


def test_the_least_recently_used_leave_a_full_tier_first() -> None:
    tier = FileTier(Environment(), "shared", TierSpeed(bytes_per_second=10), 100, leaving=least_recently_used)
    for key in range(95):
        tier.written(key)
    tier.use(0)
    tier.written(95)
    assert len(tier) == 90
    assert 0 in tier
    assert 1 not in tier


def test_of_a_full_tier_what_its_law_holds_for_worth_least_leaves() -> None:
    env = Environment()
    tier = FileTier(env, "shared", TierSpeed(bytes_per_second=10), 100, leaving=lambda kept, _: -kept.depth)
    for key in range(96):
        tier.written(key, depth=100 * key)
    assert [key in tier for key in (0, 89, 90, 95)] == [True, True, False, False]


def test_uses_that_are_a_minute_apart_are_counted_and_those_in_between_only_renew() -> None:
    env, seen = Environment(), list[tuple[float, int]]()

    def remembered(kept: Kept, _: float) -> float:
        seen.append((kept.used, kept.uses))
        return kept.used

    tier = FileTier(env, "shared", TierSpeed(bytes_per_second=10), 2, leaving=remembered)
    tier.written(0)
    for moment in (10.0, 59.0, 60.0, 90.0, 119.0, 130.0):
        env.run(until=moment)
        tier.use(0)
    tier.use(1)  # not there: nothing to renew
    seen.clear()
    tier.written(1)
    assert seen[0] == (130.0, 2)


def test_the_stores_own_law_lets_heads_go_before_tails_and_keeps_what_was_used_again() -> None:
    env = Environment()
    tier = FileTier(env, "shared", TierSpeed(bytes_per_second=10), 100)
    for key in range(95):
        tier.written(key, depth=512 * (key + 1))
    env.run(until=60.0)
    tier.use(0)
    tier.written(95, depth=96 * 512)
    assert [key in tier for key in (0, 1, 6, 7, 95)] == [True, False, False, True, True]
