"""Writing of status, when it changed."""

from __future__ import annotations

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Object
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS

__all__ = ["write_status"]


async def write_status(client: Client, cache: Cache, stored: Object, status: Object) -> bool:
    """Write `status` unless `stored` has it. Returns whether it was written.

    The uid goes along: a resource that was made anew meanwhile does not get the status of the old one. One that is not
    there is forgotten: the watch may have missed its deletion.

    Raises:
        ApiError: The API server refused; 409 where another one has the name now.
    """
    if (stored.get("status") or {}) == status:
        return False
    meta = stored["metadata"]
    body = {
        "apiVersion": CAKE_DEPLOYMENTS.api_version,
        "kind": CAKE_DEPLOYMENTS.name,
        "metadata": {key: meta[key] for key in ("name", "namespace", "uid")},
        "status": status,
    }
    try:
        written = await client.apply(CAKE_DEPLOYMENTS, body, force=True, subresource="status")
    except ApiError as error:
        if error.status != 404:
            raise
        cache.forget(CAKE_DEPLOYMENTS, stored)
        return False
    instruments.WRITES.labels(CAKE_DEPLOYMENTS.name, "status").inc()
    cache.refresh(CAKE_DEPLOYMENTS, keeper(CAKE_DEPLOYMENTS)(written))
    return True
