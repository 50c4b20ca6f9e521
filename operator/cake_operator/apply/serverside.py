"""Server-side apply of what differs, and only of that."""

from __future__ import annotations

import hashlib
import logging
from typing import Any, Final

import orjson

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Object, owner_of
from cake_operator.apply.client import ApiError, Client
from cake_operator.apply.containment import first_difference
from cake_operator.apply.kinds import kind_of

__all__ = ["APPLIED_HASH", "Applier", "ForeignObjectError"]

APPLIED_HASH: Final = "cake.dev/applied-hash"
"""Annotation with a hash of what was last applied: shows that a field was dropped, which containment cannot."""

logger = logging.getLogger(__name__)


class ForeignObjectError(Exception):
    """An object of the wanted name is there and is not ours; the text says what to do."""


class Applier:
    """Brings single objects to the wanted state through the API server."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self._client = client
        self._cache = cache

    async def apply(self, desired: Object) -> str | None:
        """Write `desired` unless the cluster, as last seen, has it already.

        Returns:
            Why it was written, as in "spec.replicas is 2, not 3"; None when nothing was.

        Raises:
            ForeignObjectError: Something that we did not make has the name.
            ApiError: The API server refused.
        """
        kind, meta = kind_of(desired), desired["metadata"]
        wanted = with_hash(desired)
        live = self._cache.get(kind, meta["namespace"], meta["name"])
        if live is not None and live["metadata"].get("deletionTimestamp"):
            return None  # it is going; the event of its end brings us back
        why = "it is new" if live is None else first_difference(wanted, live)
        if why is None:
            return None
        ours = live is not None and _is_ours(live, desired)
        self._cache.put(kind, await self._write(wanted, force=ours))
        instruments.WRITES.labels(kind.name, "apply").inc()
        logger.info("%s/%s: applied %s %s: %s", *(owner_of(desired) or ("", "")), kind.name, meta["name"], why)
        return why

    async def _write(self, wanted: Object, *, force: bool) -> Object:
        kind, meta = kind_of(wanted), wanted["metadata"]
        try:
            return await self._client.apply(kind, wanted, force=force)
        except ApiError as error:
            if error.status != 409 or force:
                raise
            # The name is taken, and we did not know. Ours, with its labels edited away, is taken back.
            live = await self._client.get(kind, meta["namespace"], meta["name"])
            if live is None or not _is_ours(live, wanted):
                raise ForeignObjectError(
                    f"{kind.name} {meta['name']} already exists and belongs to something else: "
                    f"delete it, or give this CakeDeployment another name"
                ) from error
            return await self._client.apply(kind, wanted, force=True)


def with_hash(desired: Object) -> Object:
    """`desired` with the hash of itself as an annotation."""
    digest = hashlib.sha256(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    meta: dict[str, Any] = desired["metadata"]
    return {**desired, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), APPLIED_HASH: digest}}}


def _is_ours(live: Object, desired: Object) -> bool:
    """Whether an object is controlled by the same owner; what is kept has no owner and is known by its label."""
    owners = [owner["uid"] for owner in live["metadata"].get("ownerReferences") or () if owner.get("controller")]
    wanted = [owner["uid"] for owner in desired["metadata"].get("ownerReferences") or ()]
    return owners == wanted if owners and wanted else owner_of(live) == owner_of(desired)
