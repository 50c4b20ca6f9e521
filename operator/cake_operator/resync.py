"""The loops over time.

Every interval one batched look at the figures of the whole fleet, then a look at everything; and now and then a list of
all CakeDeployments, for what no watch has told of.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any, NoReturn

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Key, key_of
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.endpoints import Pulse
from cake_operator.observe.prometheus import Observer
from cake_operator.observe.sampling import Watched
from cake_operator.reconcile import Reconciler
from cake_operator.workqueue import WorkQueue

__all__ = ["look", "relist", "relist_forever", "resync", "served"]

SERVED_POLL_SECONDS = 2.0
RELIST_SECONDS = 300.0

logger = logging.getLogger(__name__)


async def served(client: Client, pulse: Pulse) -> None:
    """Wait until the API server is there and tells of CakeDeployments.

    kopf asks once, at its start, what there is to watch. What is not told of then, as in the moments after a CRD was
    installed, it never watches.
    """
    said = ""
    while True:
        try:
            if await client.offers(CAKE_DEPLOYMENTS):
                return
            why = "the CRD of CakeDeployment is not installed: install the chart"
        except ApiError as error:
            why = str(error)
        if why != said:
            logger.warning("waiting for the API server: %s", why)
        said = why
        pulse.beat()
        await asyncio.sleep(SERVED_POLL_SECONDS)


async def relist_forever(client: Client, cache: Cache, namespace: str | None, queue: WorkQueue[Key]) -> NoReturn:
    """Relist every five minutes until cancelled."""
    while True:
        await asyncio.sleep(RELIST_SECONDS)
        try:
            await relist(client, cache, namespace, queue)
        except ApiError as error:
            logger.warning("listing CakeDeployments: %s; again in %.0f s", error, RELIST_SECONDS)


async def relist(client: Client, cache: Cache, namespace: str | None, queue: WorkQueue[Key]) -> None:
    """Make the cache true to a complete list of CakeDeployments.

    kopf, too, lists anew when its watch is too old, and does not tell of what was deleted meanwhile.

    Raises:
        ApiError: There is no such list now.
    """
    resources, version = await client.list(CAKE_DEPLOYMENTS, namespace)
    instruments.RELISTS.labels(CAKE_DEPLOYMENTS.name, "check").inc()
    kept = map(keeper(CAKE_DEPLOYMENTS), resources)
    cache.replace(CAKE_DEPLOYMENTS, kept, version, lambda one: queue.add(key_of(one)))


async def resync(
    observer: Observer, reconciler: Reconciler, cache: Cache, queue: WorkQueue[Key], *, pulse: Pulse, interval: float
) -> NoReturn:
    """Look every `interval` seconds until cancelled. What nobody told us of is found here at the latest."""
    while True:
        await asyncio.sleep(interval)
        await look(observer, reconciler, cache)
        for key in cache.names(CAKE_DEPLOYMENTS):
            queue.add(key)
            # One by one: what a watch tells meanwhile waits behind one of them, not behind all.
            await asyncio.sleep(0)
        pulse.beat()


async def look(observer: Observer, reconciler: Reconciler, cache: Cache) -> None:
    """Measure all CakeDeployments once; the reconciler decides by these figures from now on."""
    watched = [_watched(*key, cache.get(CAKE_DEPLOYMENTS, *key) or {}) for key in cache.names(CAKE_DEPLOYMENTS)]
    instruments.DEPLOYMENTS.set(len(watched))
    started = time.monotonic()
    reconciler.fleet = await asyncio.to_thread(observer.observe, watched, datetime.now(UTC))
    instruments.OBSERVE_SECONDS.observe(time.monotonic() - started)
    if reconciler.fleet.error is None:
        instruments.OBSERVED.set(reconciler.fleet.at.timestamp())
    else:
        instruments.OBSERVE_FAILURES.inc()


def _watched(namespace: str, name: str, stored: dict[str, Any]) -> Watched:
    """What to measure of a CakeDeployment; of one whose spec cannot be read, the usual percentiles."""
    percentiles = {
        field: float(percentile)
        for field, target in (("ttft_percentile", "ttft"), ("inter_token_percentile", "interTokenLatency"))
        if isinstance(percentile := _inside(stored, "spec", "slo", target, "percentile"), int)
    }
    return Watched(namespace, name, **percentiles)


def _inside(obj: Any, *path: str) -> Any:
    """What is at a path of nested objects; None where the path ends early."""
    for field in path:
        obj = obj.get(field) if isinstance(obj, dict) else None
    return obj
