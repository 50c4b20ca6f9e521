"""The threads that move blocks: order, caps, deadlines, taking back, and threads that a file system holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cake_engine.config import WRITE_REST
from cake_engine.store.bandwidth import Pace
from cake_engine.store.transfer import Transfer
from cake_engine.store.transfers import TransferPool

Perform = Callable[[Transfer, memoryview], None]


class Bench:
    """A pool, and what is needed to hold and count its transfers."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.patience = WRITE_REST
        self.order: list[bytes] = []
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.committed: list[bytes] = []
        self._pools: list[TransferPool] = []
        self._ended = threading.Semaphore(0)

    def pool(
        self,
        perform: Perform | None = None,
        *,
        threads: int = 1,
        deadline: float = 30.0,
        rate: Callable[[], float | None] | None = None,
    ) -> TransferPool:
        pool = TransferPool(
            "test",
            perform or self.note,
            threads=threads,
            buffer_bytes=4096,
            pace=lambda: Pace((rate or (lambda: self.rate))(), self.patience),
            deadline_seconds=deadline,
            on_finished=self._ended.release,
        )
        self._pools.append(pool)
        return pool

    def note(self, transfer: Transfer, buffer: memoryview) -> None:
        self.order.append(transfer.key)

    def held(self, transfer: Transfer, buffer: memoryview) -> None:
        """As a read of a mount that hangs until the gate opens."""
        self.entered.release()
        self.gate.wait(60)
        if transfer.begin_commit():
            self.committed.append(transfer.key)

    def wait(self, transfers: int) -> None:
        for _ in range(transfers):
            assert self._ended.acquire(timeout=60)

    def close(self) -> None:
        self.gate.set()
        for pool in self._pools:
            pool.stop()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def transfers(count: int, *, owner: str = "r", size: int = 1000) -> list[Transfer]:
    return [Transfer(job=n, owner=owner, key=b"%d" % n, chunk=n, size=size) for n in range(count)]


def ends(pool: TransferPool, count: int) -> dict[bytes, str | None]:
    """How so many transfers ended, waiting for them."""
    found: list[Transfer] = []
    limit = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < limit
        found += pool.finished()
        time.sleep(0.001)
    return {transfer.key: transfer.failure for transfer in found}


def test_transfers_happen_in_the_order_of_asking_and_are_reported_once(bench: Bench) -> None:
    pool = bench.pool()
    pool.submit(transfers(20))

    assert ends(pool, 20) == {b"%d" % n: None for n in range(20)}
    assert bench.order == [b"%d" % n for n in range(20)]
    assert pool.finished() == []
    assert pool.depth == 0


def test_as_many_run_at_once_as_there_are_threads(bench: Bench) -> None:
    pool = bench.pool(bench.held, threads=3)
    pool.submit(transfers(9))
    for _ in range(3):
        assert bench.entered.acquire(timeout=60)

    assert not bench.entered.acquire(timeout=0.05)
    assert pool.depth == 9


def test_a_cap_holds_whatever_the_threads_could_do(bench: Bench) -> None:
    bench.rate = 100_000.0
    pool = bench.pool(threads=4)
    started = time.monotonic()
    pool.submit(transfers(30))
    bench.wait(30)

    assert time.monotonic() - started >= 0.3 - 0.05
    assert (pool.bytes_per_second or 0) <= 105_000


def test_threads_that_have_nothing_to_move_sleep_while_one_waits_for_bandwidth(bench: Bench) -> None:
    """Each look at the cap is a thread that woke, and took the interpreter from the one that computes."""
    looks = []

    def rate() -> float:
        looks.append(None)
        return 100_000.0

    pool = bench.pool(threads=16, rate=rate)
    pool.submit(transfers(30))
    bench.wait(30)

    assert len(looks) <= 5 * 30 + 2 * 16


def test_a_cap_that_is_lifted_frees_what_waits(bench: Bench) -> None:
    bench.rate = 1.0
    pool = bench.pool()
    pool.submit(transfers(10))
    assert pool.finished() == []

    bench.rate = None
    bench.wait(10)

    assert len(ends(pool, 10)) == 10


def test_what_waits_can_be_taken_back_by_its_owner_alone(bench: Bench) -> None:
    pool = bench.pool(bench.held)
    running, theirs, mine = transfers(1)[0], transfers(2, owner="theirs"), transfers(3, owner="mine")
    pool.submit([running])
    assert bench.entered.acquire(timeout=60)
    pool.submit([*theirs, *mine])

    assert pool.cancel("mine") == 3
    assert [t.failure for t in pool.finished()] == ["cancelled"] * 3

    bench.gate.set()
    bench.wait(3)
    assert [t.failure for t in (running, *theirs)] == [None] * 3


def test_a_transfer_past_its_deadline_is_reported_and_never_touches_memory_again(bench: Bench) -> None:
    pool = bench.pool(bench.held, deadline=0.02)
    pool.submit(transfers(1))
    assert bench.entered.acquire(timeout=60)

    assert ends(pool, 1) == {b"0": "deadline"}
    bench.gate.set()
    bench.wait(1)

    assert bench.committed == []
    assert pool.finished() == []


def test_a_transfer_that_touches_memory_is_not_given_up(bench: Bench) -> None:
    committing = threading.Event()

    def slow_commit(transfer: Transfer, buffer: memoryview) -> None:
        assert transfer.begin_commit()
        committing.set()
        bench.gate.wait(60)

    pool = bench.pool(slow_commit, deadline=0.01)
    pool.submit(transfers(1))
    assert committing.wait(60)
    time.sleep(0.03)
    assert pool.finished() == []

    bench.gate.set()

    assert ends(pool, 1) == {b"0": None}


def test_others_take_the_place_of_threads_that_are_held(bench: Bench) -> None:
    def hold_first(transfer: Transfer, buffer: memoryview) -> None:
        if transfer.owner == "hung":
            bench.held(transfer, buffer)

    pool = bench.pool(hold_first, threads=2, deadline=0.02)
    pool.submit(transfers(2, owner="hung"))
    assert set(ends(pool, 2).values()) == {"deadline"}

    pool.submit(transfers(5))

    assert set(ends(pool, 5).values()) == {None}


def test_when_every_thread_is_held_what_waits_fails_and_the_pool_comes_back_by_itself(bench: Bench) -> None:
    pool = bench.pool(bench.held, threads=2, deadline=0.02)
    pool.submit(transfers(10))
    assert set(ends(pool, 10).values()) == {"deadline"}
    assert pool.depth == 0

    bench.gate.set()
    bench.wait(4)  # the two threads and the two that stood in for them
    pool.submit(transfers(10))

    assert set(ends(pool, 10).values()) == {None}


def test_what_is_asked_while_every_thread_is_held_fails_at_once(bench: Bench) -> None:
    pool = bench.pool(bench.held, threads=1, deadline=0.02)
    pool.submit(transfers(2))
    assert set(ends(pool, 2).values()) == {"deadline"}
    pool.submit(transfers(3))

    assert [t.failure for t in pool.finished()] == ["deadline"] * 3
    assert pool.depth == 0


def test_what_a_given_up_transfer_finds_later_does_not_change_why_it_failed(bench: Bench) -> None:
    def late(transfer: Transfer, buffer: memoryview) -> None:
        bench.held(transfer, buffer)
        transfer.fail("missing")

    pool = bench.pool(late, deadline=0.02)
    (transfer,) = transfers(1)
    pool.submit([transfer])
    assert ends(pool, 1) == {b"0": "deadline"}
    bench.gate.set()
    bench.wait(1)

    assert transfer.failure == "deadline"


def test_a_cap_that_is_slow_to_say_holds_up_no_one_who_asks(bench: Bench) -> None:
    asked, said = threading.Event(), threading.Event()

    def slow_rate() -> None:
        asked.set()
        assert bench.gate.wait(60)
        said.set()

    pool = bench.pool(rate=slow_rate)
    assert asked.wait(60)
    pool.submit(transfers(2))
    assert pool.cancel() == 2

    assert not said.is_set()


def test_a_cap_is_never_older_than_what_it_is_for(bench: Bench) -> None:
    asked, told, first = threading.Semaphore(0), threading.Semaphore(0), threading.Event()

    def rate() -> float | None:
        cap = bench.rate
        asked.release()
        if not first.is_set():
            first.set()
            told.acquire(timeout=60)
        return cap

    pool = bench.pool(rate=rate)
    assert asked.acquire(timeout=60)  # its thread has read the cap of before, and is slow to come back with it
    bench.rate = 1.0
    pool.submit(transfers(2))
    told.release()
    for _ in range(3):
        assert asked.acquire(timeout=60)

    assert pool.cancel() == 2
    assert bench.order == []


def test_a_pool_that_was_held_goes_back_to_its_size(bench: Bench) -> None:
    pool = bench.pool(bench.held, threads=2, deadline=0.02)
    pool.submit(transfers(4))
    ends(pool, 4)
    bench.gate.set()
    bench.wait(4)
    pool.submit(transfers(20))
    ends(pool, 20)

    assert len([t for t in threading.enumerate() if t.name.startswith("cake-test-")]) == 2


def test_an_idle_wait_is_bounded_by_the_deadline(bench: Bench) -> None:
    pool = bench.pool(bench.held, deadline=0.05)
    pool.submit(transfers(1))
    assert bench.entered.acquire(timeout=60)

    pool.wait_idle()

    assert not bench.gate.is_set()
    assert [t.failure for t in pool.finished()] == ["deadline"]


def test_a_fault_of_our_own_fails_one_transfer_and_no_thread(bench: Bench) -> None:
    def faulty(transfer: Transfer, buffer: memoryview) -> None:
        if transfer.key == b"0":
            raise RuntimeError("a fault of ours")

    pool = bench.pool(faulty)
    pool.submit(transfers(3))

    assert ends(pool, 3) == {b"0": "error", b"1": None, b"2": None}


def test_a_rate_that_is_waited_for_does_not_count_time_without_work(bench: Bench) -> None:
    bench.rate = 100_000.0
    pool, longest = bench.pool(), 0.0
    for _ in range(3):
        started = time.monotonic()
        pool.submit(transfers(3))
        bench.wait(3)
        longest = max(longest, time.monotonic() - started)
        time.sleep(10 * longest)

    # With one of the pauses in it, it were less than 9,000 over ten times the longest of three.
    assert 3_000 / (2 * longest) < (pool.bytes_per_second or 0) <= 105_000


def test_a_cap_is_of_the_bytes_that_go_over_the_wire(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(transfer: Transfer, buffer: memoryview) -> None:
        transfer.moved = transfer.size // 2

    pool, sizes = bench.pool(halved), list[int]()
    pool.submit(transfers(100))
    ends(pool, 100)
    due = pool._cap.due
    monkeypatch.setattr(pool._cap, "due", lambda size, *rest: (sizes.append(size), due(size, *rest))[1])
    pool.submit(transfers(1, size=1_000_000))
    ends(pool, 1)

    assert sizes == [pytest.approx(500_000, rel=0.02)] * len(sizes)
    assert sizes


def test_a_pool_whose_threads_all_died_fails_what_is_asked_and_waits_for_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)

    def no_rate() -> None:
        if bench.gate.is_set():
            raise RuntimeError("a fault of ours")

    pool = bench.pool(bench.held, threads=2, rate=no_rate)
    pool.submit(transfers(5))
    assert bench.entered.acquire(timeout=60)
    bench.gate.set()
    pool.wait_idle()

    assert {t.failure for t in pool.finished()} <= {None, "deadline"}
    pool.submit(transfers(3))
    pool.wait_idle()
    assert [t.failure for t in pool.finished()] == ["deadline"] * 3


def test_writes_rest_after_one_that_others_held_up_and_reads_of_the_pool_never_do(bench: Bench) -> None:
    began: list[float] = []

    def write(transfer: Transfer, buffer: memoryview) -> None:
        began.append(time.monotonic())
        transfer.moved = transfer.size
        transfer.writing_seconds = (0.001, 0.001, 0.071, 0.001)[transfer.chunk]  # as measured in the file system

    pool = bench.pool(write)
    pool.submit(transfers(4))
    bench.wait(4)
    rested = pool.take_rested()
    assert rested == pytest.approx(8 * (0.071 - 0.021))
    assert began[3] - began[2] >= rested
    assert began[2] - began[0] < rested
    assert pool.take_rested() == 0


def test_a_rest_ends_as_soon_as_writes_need_not_give_way_any_more(bench: Bench) -> None:
    def write(transfer: Transfer, buffer: memoryview) -> None:
        transfer.moved = transfer.size
        transfer.writing_seconds = (0.001, 60.0, 60.0)[transfer.chunk]

    pool = bench.pool(write)
    pool.submit(transfers(3))
    bench.wait(2)
    assert pool.take_rested() > 400
    bench.patience = 0.0
    bench.wait(1)
    assert pool.take_rested() == 0


def test_what_waits_for_the_end_of_a_rest_is_taken_back_at_once_when_the_pool_stops(bench: Bench) -> None:
    def write(transfer: Transfer, buffer: memoryview) -> None:
        transfer.moved = transfer.size
        transfer.writing_seconds = (0.001, 60.0, 0.0)[transfer.chunk]

    pool = bench.pool(write)
    pool.submit(transfers(3))
    bench.wait(2)
    began = time.monotonic()
    pool.stop()
    assert time.monotonic() - began < 30
    assert ends(pool, 3)[b"2"] == "cancelled"
