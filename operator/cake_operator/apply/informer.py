"""Keeps the cache true to the cluster: one list, then a watch, per kind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Object, key_of
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import Kind
from cake_operator.apply.marks import mark_of

__all__ = ["HistoryLostError", "Informer"]

FIRST_BACKOFF_SECONDS = 0.2
LAST_BACKOFF_SECONDS = 10.0

# The first is no answer at all; with new credentials the watch goes on where it was.
WATCH_GOES_ON = frozenset({0, 401})

logger = logging.getLogger(__name__)


class HistoryLostError(Exception):
    """The cluster is older than what was seen of it, as after a restored etcd: nothing in memory is to be believed."""


class Informer:
    """Feeds one kind into the cache.

    Args:
        selector: Label selector of what to see; empty sees all.
        keep: What of an object is kept in memory.
        notify: Called with each object that appeared, changed or went (then as last seen).
        notify_of_status: Called instead with an object of which no more than its status changed; None where all
            changes are alike.
    """

    def __init__(
        self,
        client: Client,
        cache: Cache,
        kind: Kind,
        *,
        namespace: str | None,
        selector: str,
        keep: Callable[[Object], Object],
        notify: Callable[[Object], None],
        notify_of_status: Callable[[Object], None] | None = None,
    ) -> None:
        self._client = client
        self._cache = cache
        self._kind = kind
        self._namespace = namespace
        self._selector = selector
        self._keep = keep
        self._notify = notify
        self._notify_of_status = notify_of_status
        self._version: str | None = None
        self._newest = 0
        self._backoff = FIRST_BACKOFF_SECONDS
        self.synced = asyncio.Event()
        """Set once the first list is in the cache."""

    async def run(self) -> NoReturn:
        """List and watch until cancelled; faults are waited out, longer each time.

        Raises:
            HistoryLostError: The cluster went back in time; the process is to be started anew.
        """
        while True:
            try:
                if self._version is None:
                    await self._list()
                await self._watch(self._version or "")
                await asyncio.sleep(FIRST_BACKOFF_SECONDS)  # a server that ends every watch at once is not stormed
            except ApiError as error:
                # 410 Gone: the server no longer knows what came after our version. Any other refusal may have the same
                # cause in another dress.
                if error.status not in WATCH_GOES_ON:
                    self._version = None
                logger.warning("watching %s: %s; again in %.1f s", self._kind.plural, error, self._backoff)
                await asyncio.sleep(self._backoff)
                self._backoff = min(self._backoff * 2, LAST_BACKOFF_SECONDS)

    async def _list(self) -> None:
        reason = "expired" if self.synced.is_set() else "first"
        objects, version = await self._client.list(self._kind, self._namespace, self._selector)
        instruments.RELISTS.labels(self._kind.name, reason).inc()
        if int(version) < self._newest:
            raise HistoryLostError(
                f"{self._kind.plural}: the API server is at version {version}, was at {self._newest}"
            )
        self._cache.replace(self._kind, (self._keep(self._typed(obj)) for obj in objects), version, self._notify)
        self._version, self._newest = version, int(version)
        self.synced.set()

    async def _watch(self, version: str) -> None:
        async for event, obj in self._client.watch(self._kind, self._namespace, version, self._selector):
            self._backoff = FIRST_BACKOFF_SECONDS
            if event == "DELETED":
                if self._cache.drop(self._kind, obj):
                    self._notify(obj)
            elif event in ("ADDED", "MODIFIED"):
                kept, before = self._keep(self._typed(obj)), self._cache.get(self._kind, *key_of(obj))
                news = not self._cache.knows(self._kind, obj)
                if self._cache.put(self._kind, kept) and news:
                    self._tell(kept, before)
            version = obj["metadata"]["resourceVersion"]
            self._version, self._newest = version, int(version)
            self._cache.passed(self._kind, version)

    def _tell(self, obj: Object, before: Object | None) -> None:
        """Tell of a change to whom it concerns."""
        of_status = self._notify_of_status
        if of_status is not None and before is not None and mark_of(obj) == mark_of(before):
            of_status(obj)
        else:
            self._notify(obj)

    def _typed(self, obj: Object) -> Object:
        """Lists leave out what kind their items are."""
        return {"apiVersion": self._kind.api_version, "kind": self._kind.name, **obj}
