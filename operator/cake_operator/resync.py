"""The loop over time: every interval one batched look at the figures of the whole fleet, then a look at everything."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any, NoReturn

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Key
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.endpoints import Pulse
from cake_operator.observe.prometheus import Observer
from cake_operator.observe.sampling import Watched
from cake_operator.reconcile import Reconciler
from cake_operator.workqueue import WorkQueue

__all__ = ["look", "resync"]

logger = logging.getLogger(__name__)


async def resync(
    observer: Observer, reconciler: Reconciler, cache: Cache, queue: WorkQueue[Key], *, pulse: Pulse, interval: float
) -> NoReturn:
    """Look every `interval` seconds until cancelled. What nobody told us of is found here at the latest."""
    while True:
        await asyncio.sleep(interval)
        await look(observer, reconciler, cache)
        for key in cache.names(CAKE_DEPLOYMENTS):
            queue.add(key)
        pulse.beat()


async def look(observer: Observer, reconciler: Reconciler, cache: Cache) -> None:
    """Measure all CakeDeployments once; the reconciler decides by these figures from now on."""
    watched = [_watched(*key, cache.get(CAKE_DEPLOYMENTS, *key) or {}) for key in cache.names(CAKE_DEPLOYMENTS)]
    instruments.DEPLOYMENTS.set(len(watched))
    started = time.monotonic()
    reconciler.fleet = await asyncio.to_thread(observer.observe, watched, datetime.now(UTC))
    instruments.OBSERVE_SECONDS.observe(time.monotonic() - started)
    if reconciler.fleet.error is not None:
        instruments.OBSERVE_FAILURES.inc()


def _watched(namespace: str, name: str, stored: dict[str, Any]) -> Watched:
    """What to measure of a CakeDeployment; of one whose spec cannot be read, the usual percentiles."""
    slo = (stored.get("spec") or {}).get("slo") or {}
    percentiles = {
        field: float(slo[target]["percentile"])
        for field, target in (("ttft_percentile", "ttft"), ("inter_token_percentile", "interTokenLatency"))
        if isinstance((slo.get(target) or {}).get("percentile"), int)
    }
    return Watched(namespace, name, **percentiles)
