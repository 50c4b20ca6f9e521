"""A volume's bandwidth, shared: everyone who reads or writes at the same time gets an equal part of it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from simpy import Environment, Event

_ROUNDING = 1e-9


class Stream:
    """Processor sharing, in virtual time: the work that one transfer would have had done since the start.

    A transfer of n bytes ends when virtual time has gone on by n, and virtual time goes at the bandwidth over the
    number of transfers: joining and leaving cost the logarithm of that number.
    """

    def __init__(self, env: Environment, bytes_per_second: float) -> None:
        self._env = env
        self._rate = bytes_per_second
        self._work = 0.0
        self._since = 0.0
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._alarm: Event | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def join(self, size: float, ended: Callable[[], None]) -> None:
        """Begin a transfer.

        Args:
            size: Bytes.
            ended: Called when they are through.
        """
        self._go_on()
        heappush(self._ends, (self._work + size, next(self._numbers), ended))
        self._wait()

    def _go_on(self) -> None:
        now = self._env.now
        if self._ends:
            self._work += (now - self._since) * self._rate / len(self._ends)
        self._since = now

    def _wait(self) -> None:
        self._alarm = None
        if not self._ends:
            return
        left = max(0.0, self._ends[0][0] - self._work) * len(self._ends) / self._rate
        self._alarm = alarm = self._env.timeout(left)
        alarm.callbacks.append(self._ring)

    def _ring(self, alarm: Event) -> None:
        if alarm is not self._alarm:  # somebody has joined since
            return
        self._go_on()
        done = []
        first = self._ends[0][0]  # rounding must not keep the one that is due
        self._work = max(self._work, first)
        while self._ends and self._ends[0][0] <= self._work * (1 + _ROUNDING):
            done.append(heappop(self._ends)[2])
        self._wait()
        for ended in done:
            ended()
