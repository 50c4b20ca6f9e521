"""Deletion of children that are no longer wanted."""

from __future__ import annotations

import logging

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.client import Client
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CHILDREN, kind_of
from cake_operator.apply.ownership import controlled_by

__all__ = ["delete", "unwanted"]

logger = logging.getLogger(__name__)


def unwanted(cache: Cache, key: Key, uid: str, desired: list[Object]) -> list[Object]:
    """The children that the CakeDeployment with `uid` controls, that are not in `desired` and not going already.

    What it does not control is not ours to delete: claims that are to be kept have no owner.
    """
    wanted = {(kind_of(obj), obj["metadata"]["name"]) for obj in desired}
    return [
        obj
        for kind, obj in cache.owned(key)
        if kind in CHILDREN
        and (kind, obj["metadata"]["name"]) not in wanted
        and controlled_by(obj, uid)
        and not obj["metadata"].get("deletionTimestamp")
    ]


async def delete(client: Client, cache: Cache, key: Key, obj: Object) -> None:
    """Delete a child of the CakeDeployment `key`, if it is still the one that was seen.

    The cache takes it at once for gone, or going: a watch that says nothing would have it deleted at every look.

    Raises:
        ApiError: The API server refused; 409 is for the next try, which sees what has that name then.
    """
    kind, meta = kind_of(obj), obj["metadata"]
    going = await client.delete(kind, meta["namespace"], meta["name"], meta["uid"])
    instruments.WRITES.labels(kind.name, "delete").inc()
    logger.info("%s/%s: deleted %s %s: no longer wanted", *key, kind.name, meta["name"])
    if going is None:
        cache.forget(kind, obj)
    else:
        cache.refresh(kind, keeper(kind)(going))
