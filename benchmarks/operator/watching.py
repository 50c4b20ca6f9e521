"""Watches of the benchmark's own: when the API server tells of what is waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.client import Client
from cake_operator.apply.informer import Informer
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, Kind
from cake_operator.render.naming import OWN_SELECTOR

Awaited = TypeVar("Awaited")


@asynccontextmanager
async def watching(client: Client, kinds: Iterable[Kind], notify: Callable[[Object], None]) -> AsyncIterator[Cache]:
    """A cache of CakeDeployments or their children that is kept true for the block; `notify` hears of each change."""
    cache = Cache()
    informers = [
        Informer(
            client,
            cache,
            kind,
            namespace=None,
            selector="" if kind is CAKE_DEPLOYMENTS else OWN_SELECTOR,
            keep=lambda obj: obj,
            notify=notify,
        )
        for kind in kinds
    ]
    tasks = [asyncio.create_task(informer.run()) for informer in informers]
    try:
        for informer in informers:
            await informer.synced.wait()
        yield cache
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Arrivals(Generic[Awaited]):
    """The moments, by time.monotonic(), at which objects first were as they were waited for."""

    def __init__(self, reached: Callable[[Object, Awaited], bool], key: Callable[[Object], Key | None]) -> None:
        """Nothing is waited for yet.

        Args:
            reached: Whether an object is as somebody waits for it.
            key: What an object is called by those who wait.
        """
        self._reached = reached
        self._key = key
        self._waiting: dict[Key, list[tuple[Awaited, asyncio.Future[float]]]] = {}

    def note(self, obj: Object) -> None:
        """Tell those who wait for an object that it is like this now."""
        key, now = self._key(obj), time.monotonic()
        waiting = self._waiting.pop(key, None) if key is not None else None
        if key is None or waiting is None:
            return
        left = []
        for awaited, coming in waiting:
            if not self._reached(obj, awaited):
                left.append((awaited, coming))
            elif not coming.done():
                coming.set_result(now)
        if left:
            self._waiting[key] = left

    def of(self, key: Key, awaited: Awaited) -> asyncio.Future[float]:
        """The moment at which that object will first be so, from now on."""
        coming: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((awaited, coming))
        return coming
