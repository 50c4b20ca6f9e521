"""Server-side apply of what differs, and only of that."""

from __future__ import annotations

import hashlib
import logging
from typing import Any, Final

import orjson

from cake_operator import instruments
from cake_operator.api.amounts import is_more
from cake_operator.apply.cache import Cache, Key, Object, owner_of
from cake_operator.apply.client import Client
from cake_operator.apply.containment import Difference, differences
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CLAIMS, CONFIG_MAPS, Kind, kind_of
from cake_operator.apply.ownership import Standing, standing

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
        # What the API server, or an admission webhook, made of an object otherwise than asked, by what was asked.
        self._kept_otherwise: dict[tuple[Kind, Key], tuple[str, list[Difference]]] = {}

    async def apply(self, desired: Object, *, unchanged: bool = False) -> Object | None:
        """Write `desired` unless the cluster, as last seen, has it already.

        Args:
            desired: The object as it is asked to be.
            unchanged: Whether the one that is there is known to be as it was last asked to be.

        Returns:
            The object as it was found or written; None where one of that name is going, and is left to that.

        Raises:
            ForeignObjectError: Something that we did not make has the name.
            ApiError: The API server refused.
        """
        kind, meta = kind_of(desired), desired["metadata"]
        place: Key = (meta["namespace"], meta["name"])
        live = await self._find(kind, place)
        if live is None:
            wanted, why = with_hash(desired), "it is new"
        else:
            if live["metadata"].get("deletionTimestamp") or standing(live, desired) is Standing.PREDECESSORS:
                return None  # it is going; the event of its end brings us back
            if standing(live, desired) is Standing.FOREIGN:
                raise ForeignObjectError(
                    f"{kind.name} {meta['name']} already exists and belongs to something else: "
                    f"delete it, or give this CakeDeployment another name"
                )
            wanted = with_hash(_as_large(desired, live))
            if unchanged and _hash_of(wanted) == (live["metadata"].get("annotations") or {}).get(APPLIED_HASH):
                return live
            first = next(differences(wanted, live), None)
            if first is None or self._is_kept_otherwise(kind, place, wanted, live):
                return live
            why = first.sentence
            await self._make_room(kind, place, wanted, live)
        # Not forced where it is new: somebody may have made one of that name this very moment.
        written = await self._client.apply(kind, wanted, force=live is not None)
        self._cache.put(kind, keeper(kind)(written))
        instruments.WRITES.labels(kind.name, "apply").inc()
        logger.info("%s/%s: applied %s %s: %s", *(owner_of(desired) or ("", "")), kind.name, meta["name"], why)
        self._note(kind, place, wanted, written)
        return written

    async def _make_room(self, kind: Kind, place: Key, wanted: Object, live: Object) -> None:
        """Take away what no apply gets past: a key of a ConfigMap that somebody wrote as bytes (`binaryData`)."""
        taken = (live.get("binaryData") or {}).keys() & (wanted.get("data") or {}).keys()
        if kind is CONFIG_MAPS and taken:
            await self._client.merge(kind, *place, {"binaryData": dict.fromkeys(sorted(taken))})
            instruments.WRITES.labels(kind.name, "merge").inc()

    async def _find(self, kind: Kind, place: Key) -> Object | None:
        """The object as last seen; one that was not seen may be there without our label, and is asked for."""
        seen = self._cache.get(kind, *place)
        return seen if seen is not None else await self._client.get(kind, *place)

    def _is_kept_otherwise(self, kind: Kind, place: Key, wanted: Object, live: Object) -> bool:
        """Whether what is there otherwise than asked is what came out when that was last asked."""
        digest, found = self._kept_otherwise.get((kind, place), ("", []))
        return digest == _hash_of(wanted) and found == list(differences(wanted, live))

    def _note(self, kind: Kind, place: Key, wanted: Object, written: Object) -> None:
        """Remember what came out otherwise than asked, so that it is not asked for at every look."""
        found = list(differences(wanted, written))
        if not found:
            self._kept_otherwise.pop((kind, place), None)
            return
        self._kept_otherwise[kind, place] = (_hash_of(wanted), found)
        sentences = "; ".join(one.sentence for one in found)
        logger.info("%s/%s: %s is kept otherwise than asked: %s", *place, kind.name, sentences)


def with_hash(desired: Object) -> Object:
    """`desired` with the hash of itself as an annotation."""
    digest = hashlib.sha256(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    meta: dict[str, Any] = desired["metadata"]
    return {**desired, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), APPLIED_HASH: digest}}}


def _hash_of(wanted: Object) -> str:
    return str(wanted["metadata"]["annotations"][APPLIED_HASH])


def _as_large(desired: Object, live: Object) -> Object:
    """A claim as large as it is: one that somebody made larger cannot be made smaller again."""
    if kind_of(desired) is not CLAIMS:
        return desired
    (asked, there) = (one["spec"]["resources"]["requests"]["storage"] for one in (desired, live))
    if not is_more(there, asked):
        return desired
    return {**desired, "spec": {**desired["spec"], "resources": {"requests": {"storage": there}}}}
