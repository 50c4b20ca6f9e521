"""Children that somebody edits by hand, one after the other, at any moment."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

from benchmarks.operator.fleet import Fleet
from benchmarks.operator.stage import within_patience
from benchmarks.operator.watching import Arrivals
from cake_operator.apply.cache import Cache, Key, Object, key_of
from cake_operator.apply.client import Client
from cake_operator.apply.kinds import CONFIG_MAPS
from cake_operator.render.naming import STATIC_KEY, static_name

PAUSE_SECONDS: Final = 0.05
EDITED: Final = "{}"


def restored() -> Arrivals[str]:
    """Waits for configurations to be as they were."""
    return Arrivals(lambda config_map, text: (config_map.get("data") or {}).get(STATIC_KEY) == text, key_of)


async def edits(client: Client, fleet: Fleet, cache: Cache, arrivals: Arrivals[str], number: int) -> list[float]:
    """Edit ConfigMaps; gives the seconds from the answer to each edit until the API server told of its undoing."""
    draw, keys = random.Random(number), fleet.keys
    return [await _edit(client, draw.choice(keys), cache, arrivals) for _ in range(number)]


async def _edit(client: Client, key: Key, cache: Cache, arrivals: Arrivals[str]) -> float:
    await asyncio.sleep(PAUSE_SECONDS)
    place = (key[0], static_name(key[1]))
    live = cache.get(CONFIG_MAPS, *place)
    assert live is not None, f"{place} is there"
    edited: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": place[0], "name": place[1]},
        "data": {STATIC_KEY: EDITED},
    }
    coming = arrivals.of(place, live["data"][STATIC_KEY])
    await client.apply(CONFIG_MAPS, edited, force=True)
    answered = time.monotonic()
    # Where the watch was faster than the answer, it took no time.
    return max(0.0, await within_patience(coming, f"the edit of {place} is undone") - answered)
