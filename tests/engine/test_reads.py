"""Reads under way: one for all that want the chunk, of use as long as one of them does."""

from __future__ import annotations

from vllm.v1.kv_offload.base import OffloadKey

from cake_engine.vllm.reads import Reads

A, B, C = (OffloadKey(name) for name in (b"a", b"b", b"c"))


def reads(**begun: tuple[int, str]) -> Reads:
    made = Reads()
    for key, (tier, request) in begun.items():
        made.begin(OffloadKey(key.encode()), tier, request)
    return made


def test_a_read_is_useless_once_the_last_request_has_left_it() -> None:
    one = reads(a=(1, "first"), b=(2, "first"))
    one.join(A, "second")
    one.leave(A, "first")
    one.leave(B, "first")
    assert one.take_useless() == {2: [B]}
    assert one.take_useless() == {}
    one.leave(A, "second")
    assert one.take_useless() == {1: [A]}


def test_a_read_that_someone_joined_again_is_of_use() -> None:
    one = reads(a=(1, "first"))
    one.leave(A, "first")
    one.join(A, "second")
    assert one.take_useless() == {1: []}


def test_tiers_are_counted_by_themselves_and_by_who_waits() -> None:
    one = reads(a=(1, "first"), b=(1, "second"), c=(2, "second"))
    assert [one.in_flight(1), one.in_flight(2)] == [2, 1]
    assert [one.ahead(1, "first"), one.ahead(2, "first"), one.ahead(2, "second")] == [1, 1, 0]
    assert [one.requests(1), one.requests(2)] == [2, 1]
    assert one.wanted_only_by({"second"}, 1) == [B]


def test_reads_that_ended_leave_nothing_behind() -> None:
    one = reads(a=(1, "first"), b=(1, "second"))
    one.settle(lambda key: key == B, now=5.0)
    assert (len(one), one.tier(A), one.tier(B)) == (1, None, 1)
    one.clear()
    assert not one._of
    assert not any(one._in_flight.values())


def test_a_tier_is_silent_only_while_it_owes_something() -> None:
    one = Reads()
    one.begin(A, 1, "first")
    assert one.silence(1, now=10.0) == 0.0
    assert one.silence(1, now=12.0) == 2.0
    one.begin(B, 1, "first")  # asking for more is no sign of life
    assert one.silence(1, now=13.0) == 3.0
    one.settle(lambda key: key == B, now=13.0)
    assert one.silence(1, now=14.0) == 1.0
    one.settle(lambda _: False, now=14.0)
    assert one.silence(1, now=60.0) == 0.0
    one.begin(C, 1, "next")  # a minute later: the time in between counts for nothing
    assert one.silence(1, now=60.0) == 0.0
