"""Kubernetes Events on CakeDeployments: the same one again is counted up, and of many there are only so many."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cake_operator import instruments
from cake_operator.apply.client import FIELD_MANAGER, Client, Object
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import EVENTS
from cake_operator.status.conditions import timestamp
from cake_operator.status.happenings import Happening

__all__ = ["BURST", "REFILL", "Recorder"]

BURST: Final = 25
"""Events of one CakeDeployment at once, and then one more each..."""
REFILL: Final = timedelta(minutes=5)
"""...of these: what client-go allows."""
REMEMBERED: Final = 1000
"""Events whose number is remembered, and CakeDeployments whose budget is; the API server keeps Events for an hour."""
LONGEST_MESSAGE: Final = 1000

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Budget:
    left: float
    at: datetime


class Recorder:
    """Posts Events. That one could not be posted is counted, and holds up nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._posted: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()

    async def post(self, about: Object, happened: Iterable[Happening], now: datetime) -> None:
        """Post what happened to the CakeDeployment `about`."""
        for happening in happened:
            if not self._spend(about["metadata"]["uid"], now):
                instruments.EVENTS.labels("dropped").inc()
                continue
            try:
                await self._client.apply(EVENTS, self._event(about, happening, timestamp(now)), force=True)
            except ApiError as error:
                instruments.EVENTS.labels("failed").inc()
                logger.info("an Event was not posted: %s", error)
            else:
                instruments.EVENTS.labels("posted").inc()

    def _event(self, about: Object, happening: Happening, now: str) -> Object:
        """Its name says what it tells, so that telling it again is a change of its count."""
        meta, message = about["metadata"], happening.message[:LONGEST_MESSAGE]
        told = "\0".join((meta["uid"], happening.reason, message))
        name = f"{meta['name']}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        count, first = self._posted.pop(name, (0, now))
        _remember(self._posted, name, (count + 1, first))
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.name,
            "metadata": {"name": name, "namespace": meta["namespace"]},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                **{key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")},
            },
            "type": "Warning" if happening.warning else "Normal",
            "reason": happening.reason,
            "message": message,
            "count": count + 1,
            "firstTimestamp": first,
            "lastTimestamp": now,
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
        }

    def _spend(self, uid: str, now: datetime) -> bool:
        """Take one from the budget of a CakeDeployment; False where there is none left."""
        before = self._budgets.pop(uid, _Budget(BURST, now))
        left = min(BURST, before.left + (now - before.at) / REFILL)
        _remember(self._budgets, uid, _Budget(left - 1 if left >= 1 else left, now))
        return left >= 1


def _remember(memory: OrderedDict[str, T], key: str, value: T) -> None:
    memory[key] = value
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
