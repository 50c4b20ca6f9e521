import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvloop

from cake_operator import workqueue
from cake_operator.workqueue import WorkQueue, work

Act = Callable[[str], Awaitable[None]]


@contextlib.asynccontextmanager
async def working(queue: WorkQueue[str], act: Act, workers: int = 4) -> AsyncIterator[None]:
    task = asyncio.create_task(work(queue, act, workers))
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_key_asked_for_many_times_is_worked_on_once() -> None:
    queue, done = WorkQueue[str](), asyncio.Queue[str]()
    for key in ("a", "b", "a", "a"):
        queue.add(key)
    assert len(queue) == 2
    async with working(queue, done.put):
        assert {await done.get(), await done.get()} == {"a", "b"}
    assert done.empty()


async def test_a_key_asked_for_while_it_runs_runs_once_more_and_never_beside_itself() -> None:
    queue, started, finish = WorkQueue[str](), asyncio.Queue[int](), asyncio.Event()
    running = 0

    async def act(_: str) -> None:
        nonlocal running
        running += 1
        await started.put(running)
        await finish.wait()
        running -= 1

    async with working(queue, act):
        queue.add("a")
        assert await started.get() == 1
        queue.add("a")
        queue.add("a")
        finish.set()
        assert await started.get() == 1
    assert started.empty()


async def test_different_keys_run_beside_each_other() -> None:
    queue, all_in = WorkQueue[str](), asyncio.Barrier(3)

    async def act(_: str) -> None:
        await all_in.wait()

    async with working(queue, act, workers=2):
        queue.add("a")
        queue.add("b")
        await all_in.wait()


async def test_runs_that_wait_for_nothing_let_others_have_their_turn() -> None:
    queue, done, seen = WorkQueue[int](), [], []
    loop, all_done = asyncio.get_running_loop(), asyncio.Event()

    async def act(key: int) -> None:
        done.append(key)
        if len(done) == 1:
            loop.call_soon(lambda: seen.append(len(done)))
        if len(done) == 100:
            all_done.set()

    for key in range(100):
        queue.add(key)
    task = asyncio.create_task(work(queue, act, 4))
    async with asyncio.timeout(10):
        await all_done.wait()
    task.cancel()
    assert seen[0] <= 4, "everything else waited for the whole queue"


async def test_a_failed_key_is_tried_again_later_each_time_until_it_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "FIRST_RETRY_SECONDS", 0.001)
    queue, tries, done = WorkQueue[str](), 0, asyncio.Event()

    async def act(_: str) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise RuntimeError("not yet")
        done.set()

    async with working(queue, act):
        queue.add("a")
        await done.wait()
    assert tries == 4
    queue.forget("a")
    assert queue.retry("a") < 0.002


@pytest.mark.parametrize(("expected", "told"), [((KeyError,), "WARNING"), ((), "ERROR")])
async def test_an_error_that_nobody_expects_is_told_with_its_traceback(
    expected: tuple[type[Exception], ...], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    queue, tried = WorkQueue[str](), asyncio.Event()

    async def act(_: str) -> None:
        tried.set()
        raise KeyError("x")

    queue.add("a")
    task = asyncio.create_task(work(queue, act, 1, expected=expected))
    async with asyncio.timeout(10):
        await tried.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (record,) = caplog.records
    assert record.levelname == told
    assert bool(record.exc_info) == (told == "ERROR")


async def test_delays_between_tries_double_and_end_at_a_minute() -> None:
    queue = WorkQueue[str]()
    delays = [queue.retry("a") for _ in range(12)]
    assert 0.3 < delays[0] < 0.7
    assert all(delay <= 75 for delay in delays)
    assert delays[-1] > 40


async def test_the_earliest_of_several_appointments_counts() -> None:
    queue, done = WorkQueue[str](), asyncio.Queue[str]()
    async with working(queue, done.put):
        queue.add_after("a", 3600)
        queue.add_after("a", 0.001)
        queue.add_after("a", 60)
        assert await done.get() == "a"
    assert done.empty()


async def test_work_that_begins_before_takes_the_place_of_an_appointment() -> None:
    queue, done = WorkQueue[str](), asyncio.Queue[str]()
    queue.add_after("a", 3600)
    queue.add_after("b", 3600)
    queue.add("a")
    async with working(queue, done.put):
        assert await done.get() == "a"
    assert list(queue._timers) == ["b"]


async def test_an_appointment_made_while_a_key_is_worked_on_is_kept() -> None:
    queue, done, begun = WorkQueue[str](), asyncio.Queue[str](), asyncio.Event()

    async def act(key: str) -> None:
        if not begun.is_set():
            queue.add_after(key, 0.001)
            begun.set()
        await done.put(key)

    queue.add("a")
    async with working(queue, act):
        assert [await done.get(), await done.get()] == ["a", "a"]


def test_an_appointment_for_now_is_kept_on_the_loop_that_the_operator_runs_on() -> None:
    async def appoint() -> None:
        queue, done = WorkQueue[str](), asyncio.Queue[str]()
        queue.add_after("a", 0)
        queue.add_after("a", 3600)
        async with working(queue, done.put):
            assert await done.get() == "a"

    uvloop.run(appoint())
