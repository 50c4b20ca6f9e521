"""Specs that change at a given rate, whether or not the operator keeps up."""

from __future__ import annotations

import asyncio
import collections
import time
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.operator.fleet import Fleet, mark_of
from benchmarks.operator.stage import within_patience
from benchmarks.operator.watching import Arrivals
from cake_operator.apply.cache import Key, Object, owner_of
from cake_operator.apply.client import Client
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, DEPLOYMENTS


def is_marked(child: Object, mark: int) -> bool:
    """Whether a child is a Deployment with that mark, or a later one: of two changes the first may never be seen."""
    return child["kind"] == DEPLOYMENTS.name and mark_of(child) >= mark


@dataclass
class Changes:
    """A fleet whose specs change, one after the other and over again.

    Attributes:
        arrivals: Notes the children.
    """

    client: Client
    fleet: Fleet
    arrivals: Arrivals[int] = field(default_factory=lambda: Arrivals(is_marked, owner_of))
    _marks: collections.Counter[Key] = field(default_factory=collections.Counter)
    _locks: dict[Key, asyncio.Lock] = field(default_factory=lambda: collections.defaultdict(asyncio.Lock))

    async def at_rate(self, rate: float, seconds: float) -> list[float]:
        """Change so many specs a second; gives the seconds that each took until its child was written."""
        keys, loop = self.fleet.keys, asyncio.get_running_loop()
        began, changes = loop.time(), []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + number / rate - loop.time())
            changes.append(asyncio.create_task(self.change(keys[number % len(keys)])))
        return list(await asyncio.gather(*changes))

    async def change(self, key: Key) -> float:
        """Change one spec; gives the seconds from the request until the API server told of the written child."""
        async with self._locks[key]:  # the changes of one object in order
            self._marks[key] += 1
            mark = self._marks[key]
            coming, sent = self.arrivals.of(key, mark), time.monotonic()
            await self.client.apply(CAKE_DEPLOYMENTS, self.fleet.resource(key, mark), force=True)
        return await within_patience(coming, f"{key} has the mark {mark}") - sent


def p50(values: list[float]) -> float:
    """The median."""
    return median(values)


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return quantiles(values, n=100, method="inclusive")[98]
