"""Deletion of children that are no longer wanted."""

from __future__ import annotations

import logging

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.client import Client
from cake_operator.apply.kinds import CHILDREN, Kind, kind_of

__all__ = ["prune", "unwanted"]

logger = logging.getLogger(__name__)


def unwanted(cache: Cache, key: Key, uid: str, desired: list[Object]) -> list[tuple[Kind, Object]]:
    """The children that the CakeDeployment with `uid` controls and that are not in `desired`.

    What it does not control is not ours to delete: claims that are to be kept have no owner.
    """
    wanted = {(kind_of(obj), obj["metadata"]["name"]) for obj in desired}
    return [
        (kind, obj)
        for kind, obj in cache.owned(key)
        if kind in CHILDREN and (kind, obj["metadata"]["name"]) not in wanted and _controlled_by(obj, uid)
    ]


async def prune(client: Client, cache: Cache, key: Key, uid: str, desired: list[Object]) -> list[str]:
    """Delete what is unwanted. Returns the kind and name of each object that was deleted."""
    deleted = []
    for kind, obj in unwanted(cache, key, uid, desired):
        meta = obj["metadata"]
        if meta.get("deletionTimestamp"):
            continue
        await client.delete(kind, meta["namespace"], meta["name"], meta["uid"])
        instruments.WRITES.labels(kind.name, "delete").inc()
        logger.info("%s/%s: deleted %s %s: no longer wanted", *key, kind.name, meta["name"])
        deleted.append(f"{kind.name} {meta['name']}")
    return deleted


def _controlled_by(obj: Object, uid: str) -> bool:
    return any(o["uid"] == uid and o.get("controller") for o in obj["metadata"].get("ownerReferences") or ())
