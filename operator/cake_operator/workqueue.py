"""A deduplicating queue: a key waits at most once, and never runs twice at a time.

The shape of client-go's work queue. Events only name a key; what is done about it is read when the key's turn comes,
so a thousand events about one object cost one or two runs.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 60.0

logger = logging.getLogger(__name__)


class WorkQueue(Generic[Key]):
    """Keys to work on, in the order in which they were first asked for."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Key] = asyncio.Queue()
        self._dirty: set[Key] = set()  # waiting, or to be queued again once the present run of it ends
        self._running: set[Key] = set()
        self._failures: collections.Counter[Key] = collections.Counter()
        self._timers: dict[Key, tuple[float, asyncio.Handle]] = {}  # by the loop's time

    def add(self, key: Key) -> None:
        """Have `key` worked on soon; if it is being worked on now, once more after that."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._running:
            self._enqueue(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have `key` worked on in `seconds` at the latest. Work on it that begins before takes the place of that."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if (set_before := self._timers.get(key)) is not None:
            earlier, timer = set_before
            if earlier <= due:
                return
            timer.cancel()
        self._timers[key] = due, loop.call_at(due, self._fire, key)

    def retry(self, key: Key) -> float:
        """Have a key that failed worked on again, later each time. Returns the delay in seconds."""
        failures = min(self._failures[key], 30)
        self._failures[key] += 1
        delay = min(FIRST_RETRY_SECONDS * 2.0**failures, LAST_RETRY_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311 (spreads load, guards nothing)
        self.add_after(key, delay)
        return delay

    def forget(self, key: Key) -> None:
        """Note that `key` succeeded: its next failure is a first one."""
        self._failures.pop(key, None)

    def __len__(self) -> int:
        return self._waiting.qsize()

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[Key]:
        """Wait for a key and hold it: nobody else gets it until the block ends."""
        key = await self._waiting.get()
        self._dirty.discard(key)
        if (set_before := self._timers.pop(key, None)) is not None:
            set_before[1].cancel()  # what it was for is seen now; whoever works on the key says when it is due again
        self._running.add(key)
        try:
            yield key
        finally:
            self._running.discard(key)
            if key in self._dirty:
                self._enqueue(key)

    def _enqueue(self, key: Key) -> None:
        self._waiting.put_nowait(key)

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)


async def work(
    queue: WorkQueue[Key],
    act: Callable[[Key], Awaitable[None]],
    workers: int,
    *,
    expected: type[Exception] | tuple[type[Exception], ...] = (),
) -> None:
    """Run `act` on each key, `workers` at a time, until cancelled; a key whose run raised is tried again later.

    Args:
        queue: Where the keys come from.
        act: What is done about one.
        workers: How many run at a time.
        expected: Errors that are part of life, told in a line; any other is a bug, told with its traceback.
    """
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_worker(queue, act, expected))


async def _worker(
    queue: WorkQueue[Key],
    act: Callable[[Key], Awaitable[None]],
    expected: type[Exception] | tuple[type[Exception], ...],
) -> None:
    while True:
        async with queue.take() as key:
            try:
                await act(key)
            except Exception as error:
                delay = queue.retry(key)
                known = isinstance(error, expected)
                level = logging.WARNING if known else logging.ERROR
                said = (key, type(error).__name__, error, delay)
                logger.log(level, "%s: %s: %s; again in %.1f s", *said, exc_info=not known)
            else:
                queue.forget(key)
        # A run that waited for nothing keeps nobody waiting: watches, probes and the lease have their turn now.
        await asyncio.sleep(0)
