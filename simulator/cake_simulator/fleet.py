"""Replicas that come and go: cold starts, draining, lost pods, and who gets which request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from itertools import count
from random import Random
from typing import Any

from simpy import Environment, Event

from cake_engine.config import LiveConfig
from cake_simulator.replica import Replica
from cake_simulator.router import Routing, choose
from cake_simulator.trace import Request

Start = Callable[[str], Replica]
"""Makes a replica of this name that serves from now on."""


class Fleet:
    """All replicas of one CakeDeployment.

    Attributes:
        wanted: Replicas that are asked for.
        ready: Those that take requests, the oldest first.
        replica_seconds: Of every pod from its creation until it was gone, starting and draining included.
        lost: Pods that died.
    """

    def __init__(self, env: Environment, start: Start, routing: Routing, random: Random, cold_start: float) -> None:
        self._env, self._start, self._routing, self._random = env, start, routing, random
        self._cold_start = cold_start
        self._numbers = count()
        self._starting: dict[str, float] = {}
        self._created: dict[str, float] = {}
        self._draining: list[Replica] = []
        self._unrouted: deque[Request] = deque()
        self._live: LiveConfig | None = None
        self._seconds = 0.0
        self.wanted = 0
        self.ready: list[Replica] = []
        self.lost = 0

    @property
    def pods(self) -> list[Replica]:
        """All that run, those that drain included."""
        return [*self.ready, *self._draining]

    @property
    def replica_seconds(self) -> float:
        """So far."""
        return self._seconds + sum(self._env.now - created for created in self._created.values())

    @property
    def unrouted(self) -> int:
        """Requests for which no replica is ready."""
        return len(self._unrouted)

    def begin(self, replicas: int) -> None:
        """Start with so many that are ready at once."""
        self.wanted = replicas
        for _ in range(replicas):
            self._become_ready(self._create())

    def submit(self, request: Request) -> None:
        """A request comes."""
        if not self.ready:
            self._unrouted.append(request)
            return
        choose(self._routing, self.ready, request, self._random).submit(request)

    def scale(self, wanted: int) -> None:
        """Ask for so many: pods are created, or the newest go, those that are still starting first."""
        self.wanted = wanted
        while len(self.ready) + len(self._starting) < wanted:
            self._env.process(self._come(self._create()))
        while self._starting and len(self.ready) + len(self._starting) > wanted:
            name = next(reversed(self._starting))
            del self._starting[name]
            self._gone(name)
        while len(self.ready) > wanted:
            replica = self.ready.pop()
            self._draining.append(replica)
            replica.drain()
            self._env.process(self._drained(replica))

    def lose(self) -> None:
        """The oldest pod dies; another one is created in its place, and its requests that had no token come again."""
        if not self.ready:
            return
        replica = self.ready.pop(0)
        self.lost += 1
        self._gone(replica.name)
        retried = replica.lose()
        self.scale(self.wanted)
        for request in retried:
            self.submit(request)

    def configure(self, live: LiveConfig) -> None:
        """All pods, and those that come, run with this live configuration from now on."""
        self._live = live
        for replica in self.pods:
            replica.loading.configure(live)

    def _create(self) -> str:
        name = f"pod-{next(self._numbers)}"
        self._created[name] = self._starting[name] = self._env.now
        return name

    def _come(self, name: str) -> Generator[Event, Any, None]:
        yield self._env.timeout(self._cold_start)
        if name in self._starting:
            self._become_ready(name)

    def _become_ready(self, name: str) -> None:
        del self._starting[name]
        replica = self._start(name)
        if self._live is not None:
            replica.loading.configure(self._live)
        self.ready.append(replica)
        while self._unrouted:
            self.submit(self._unrouted.popleft())

    def _drained(self, replica: Replica) -> Generator[Event, Any, None]:
        yield replica.process
        self._draining.remove(replica)
        replica.loading.reads.close()
        self._gone(replica.name)

    def _gone(self, name: str) -> None:
        self._seconds += self._env.now - self._created.pop(name)
