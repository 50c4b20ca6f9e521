"""A bounded set of threads that move blocks, in the order of asking, within a bandwidth cap and a deadline.

Writes give way to whatever else keeps the volume busy: `cake_engine.core.yielding`.

A thread that a file system holds cannot be ended. What it was doing is reported as failed at its deadline, and what it
may still bring is thrown away. Another thread takes its place, within bounds, until it comes back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection

from cake_engine.core.tier_cost import TierCost
from cake_engine.core.yielding import Yielding
from cake_engine.store.bandwidth import BandwidthCap, Pace
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import RateMeter
from cake_engine.store.transfer import Transfer

logger = logging.getLogger(__name__)


class TransferPool:
    """The queue, the threads, and what has ended. Every method but `wait_idle` and `stop` returns at once.

    Attributes:
        cost: What transfers take, without caps and without waiting for their turn.
    """

    def __init__(
        self,
        name: str,
        perform: Callable[[Transfer, memoryview], None],
        *,
        threads: int,
        buffer_bytes: int,
        pace: Callable[[], Pace],
        deadline_seconds: float,
        on_finished: Callable[[], None],
    ) -> None:
        """Start the threads.

        Args:
            name: Of the threads.
            perform: Moves one block with a buffer that is its thread's own; a failure is told to `Transfer.fail`.
            threads: At work at once. Up to as many again stand in for threads that are held.
            buffer_bytes: Of each thread's buffer, at least; it is of whole pages.
            pace: How fast it may be at this moment. It may read a file: no lock is held.
            deadline_seconds: For one transfer, from its turn.
            on_finished: Called from a thread after each transfer.
        """
        self._name = name
        self._perform = perform
        self._size = threads
        self._buffer_bytes = buffer_bytes
        self._pace = pace
        self._deadline = deadline_seconds
        self._on_finished = on_finished
        lock = threading.Lock()
        self._work, self._rest = threading.Condition(lock), threading.Condition(lock)
        self._pacing = False
        self._queue: deque[Transfer] = deque()
        self._running: list[Transfer] = []
        self._finished: deque[Transfer] = deque()
        self._cap = BandwidthCap()
        self._meter = RateMeter()
        self._yielding, self._resting_until, self._rested = Yielding(), float("-inf"), 0.0
        self.cost = TierCost(readers=threads)
        self._stopping = False
        self._held = 0
        self._threads: set[threading.Thread] = set()
        with self._work:
            for _ in range(threads):
                self._hire()

    @property
    def depth(self) -> int:
        """Transfers that wait or run."""
        return len(self._queue) + len(self._running)

    @property
    def bytes_per_second(self) -> float | None:
        """How fast the queue was served lately, caps and all; None until something was served."""
        return self._meter.bytes_per_second

    def submit(self, transfers: list[Transfer]) -> None:
        """Queue transfers."""
        now = time.monotonic()
        with self._work:
            for transfer in transfers:
                transfer.asked = now
                self._queue.append(transfer)
            self._meter.started(now)
            self._fail_unserved()
            self._work.notify()

    def cancel(self, owner: str | None = None) -> int:
        """Take back what waits, of one owner or of all; it ends with failure "cancelled". Returns how much."""
        with self._work:
            taken = [t for t in self._queue if owner is None or t.owner == owner]
            if taken:
                self._queue = deque(t for t in self._queue if owner is not None and t.owner != owner)
                self._fail(taken, "cancelled")
        return len(taken)

    def take_back(self, keys: Collection[bytes]) -> list[Transfer]:
        """Take back what waits for these keys; it ends with failure "cancelled". Returns what it was."""
        wanted = frozenset(keys)
        with self._work:
            taken = [t for t in self._queue if t.key in wanted]
            if taken:
                self._queue = deque(t for t in self._queue if t.key not in wanted)
                self._fail(taken, "cancelled")
        return taken

    def finished(self) -> list[Transfer]:
        """What ended since the last call, those past their deadline among them."""
        now = time.monotonic()
        if any(now - t.started > self._deadline for t in tuple(self._running)):
            self._expire(now)
        ended: list[Transfer] = []
        while self._finished:
            ended.append(self._finished.popleft())
        return ended

    def take_rested(self) -> float:
        """Seconds for which nothing was to begin since the last call, because writes gave way."""
        with self._work:
            rested, self._rested = self._rested, 0.0
        return rested

    def wait_idle(self) -> None:
        """Wait until nothing waits or runs; no longer than a deadline for what a file system holds."""
        while True:
            with self._rest:
                if not (self._queue or self._running):
                    return
                self._rest.wait(0.05)
            self._expire(time.monotonic())

    def stop(self) -> None:
        """Take back what waits, wait for what runs, end the threads that are not held."""
        self.cancel()
        self.wait_idle()
        with self._work:
            self._stopping = True
            self._work.notify_all()
            threads, held = list(self._threads), self._held
        for thread in threads:
            thread.join(timeout=0.1 if held else None)

    def _hire(self) -> None:
        thread = threading.Thread(target=self._run, name=f"cake-{self._name}-{len(self._threads)}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _run(self) -> None:
        buffer = page_buffer(self._buffer_bytes)
        try:
            while (transfer := self._next()) is not None:
                try:
                    self._perform(transfer, buffer)
                except BaseException:  # a thread that ended would leave its transfer without an end
                    logger.exception("A transfer of the %s pool failed and should have said so itself", self._name)
                    transfer.fail("error")
                self._end(transfer)
                self._on_finished()
        finally:
            with self._work:  # it ends here by itself, or by a fault of ours: then nobody may wait for it
                self._threads.discard(threading.current_thread())
                self._fail_unserved()
                self._work.notify()

    def _next(self) -> Transfer | None:
        """The next transfer whose bandwidth is due; None when the thread is to end.

        One thread at a time waits for bandwidth, and wakes the next when it has its transfer. Were all woken by each
        transfer, they would take turns at the interpreter with the thread that computes.
        """
        while True:
            read, pace = time.monotonic(), self._pace()
            with self._work:
                if self._stopping or len(self._threads) - self._held > self._size:
                    self._threads.discard(threading.current_thread())
                    return None
                if self._pacing or not self._queue:
                    self._work.wait()
                    continue
                transfer, now = self._queue[0], time.monotonic()
                if transfer.asked > read:
                    continue  # the cap was read before this was asked for: it may be an older one
                size = int(transfer.size * self.cost.share)
                due = max(self._cap.due(size, pace.rate, transfer.asked), self._resting_until if pace.patience else now)
                if due > now:
                    self._pacing = True
                    self._work.wait(min(due - now, 0.1))  # a cap that is raised meanwhile is seen soon
                    self._pacing = False
                    continue
                self._cap.take(size, pace.rate, transfer.asked, now)
                transfer.start(now)
                self._running.append(self._queue.popleft())
                transfer.together = len(self._running)
                if self._queue:
                    self._work.notify()
                return transfer

    def _end(self, transfer: Transfer) -> None:
        patience = self._pace().patience if transfer.writing_seconds else 0.0
        now = time.monotonic()
        with self._work:
            if transfer.abandoned:
                self._held -= 1
                return
            if transfer.failure is None:
                self.cost.observe(transfer.size, transfer.started, now, busy=len(self._running) > 1)
                self.cost.observe_share(transfer.moved or transfer.size, transfer.size)
            if transfer.failure is None and transfer.writing_seconds:
                self._give_way(transfer, now, patience)
            self._running.remove(transfer)
            self._finished.append(transfer)
            idle = not (self._queue or self._running)
            if transfer.failure is None:
                self._meter.served(transfer.size, now, idle=idle)
            else:
                self._meter.skipped(now, idle=idle)
            if idle:
                self._rest.notify_all()

    def _give_way(self, write: Transfer, now: float, patience: float) -> None:
        together, took = max(write.together, len(self._running)), write.writing_seconds
        rest = self._yielding.rest(write.moved, took, now, patience=patience, together=together) / self._size
        self._resting_until = max(self._resting_until, now) + rest
        self._rested += rest

    def _expire(self, now: float) -> None:
        with self._work:
            for transfer in [t for t in self._running if now - t.started > self._deadline]:
                if not transfer.abandon("deadline"):
                    continue
                self._running.remove(transfer)
                self._finished.append(transfer)
                self._held += 1
                if len(self._threads) < 2 * self._size:
                    self._hire()
            self._fail_unserved()
            self._rest.notify_all()

    def _fail_unserved(self) -> None:
        """Fail what waits when no thread is left to serve it: all are held, or the pool has ended."""
        if self._queue and len(self._threads) == self._held:
            unserved, self._queue = list(self._queue), deque()
            self._fail(unserved, "deadline")

    def _fail(self, transfers: list[Transfer], reason: str) -> None:
        """Report transfers that were taken out of the queue."""
        for transfer in transfers:
            transfer.fail(reason)
        self._finished.extend(transfers)
        self._meter.skipped(time.monotonic(), idle=not (self._queue or self._running))
        self._rest.notify_all()
