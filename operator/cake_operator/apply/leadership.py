"""One process of several acts: it holds a Lease, and stops before another may take it.

The law of client-go's leader election. What counts is how long a holder has not been heard of by the reader's own
clock: moments that a holder wrote are never compared with it, so clocks may differ between machines.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn, Self

from cake_operator.apply.client import Client, Object, Patience
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import LEASES
from cake_operator.clock import elapsed

__all__ = ["Leadership", "LeadershipLostError", "Terms"]

logger = logging.getLogger(__name__)


class LeadershipLostError(Exception):
    """Another process acts, or may do so at any moment: nothing may be written any more."""


@dataclass(frozen=True)
class Terms:
    """Times of an election, in seconds.

    Attributes:
        lasts: For how long a holder that is not heard of keeps the lease; whole seconds.
        acts: For how long a holder acts after its last renewal was sent; less than `lasts`, and what is between is for
            requests that are on their way.
        renews: How often a holder renews it.
        asks: How often the others look.
    """

    lasts: int = 10
    acts: float = 7.0
    renews: float = 2.0
    asks: float = 1.0

    def __post_init__(self) -> None:
        if not self.renews < self.acts < self.lasts:
            raise ValueError("a holder renews before it stops acting, and stops before another may take the lease")

    @classmethod
    def lasting(cls, seconds: int) -> Self:
        """The times in their usual proportion, for a lease that lasts this long.

        >>> Terms.lasting(10) == Terms()
        True
        """
        return cls(lasts=seconds, acts=0.7 * seconds, renews=0.2 * seconds)


PATIENCE = Patience(attempts=2, timeout_seconds=2.0)
"""Of the client that asks for the lease: an answer that comes later than this is of no use."""


class Leadership:
    """The part of one process in an election.

    Args:
        client: For the lease alone; its patience is short, and nothing guards it.
        namespace: Where the lease is.
        name: The lease.
        identity: This process, told from all others; the next process of the same name takes its lease over at once.
        terms: The times.
        clock: Seconds that never go back, and that go on while the machine sleeps: the others do not wait for it.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        terms: Terms | None = None,
        clock: Callable[[], float] = elapsed,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._terms = terms or Terms()
        self._clock = clock
        self._held: Object | None = None
        self._until = float("-inf")
        self._heard = ("", 0.0)  # the version of the lease that was seen last, and when it was first seen

    def check(self) -> None:
        """Return if this process may write now.

        Raises:
            LeadershipLostError: It may not.
        """
        if self._clock() >= self._until:
            raise LeadershipLostError(f"{self._identity} does not hold the lease {self._namespace}/{self._name}")

    async def acquire(self) -> None:
        """Wait until this process holds the lease."""
        said = ""
        while True:
            try:
                holder = await self._try_to_take()
            except ApiError as error:
                holder = f"nobody known ({error})"
            if holder == self._identity:
                logger.info("%s acts: it holds the lease %s/%s", self._identity, self._namespace, self._name)
                return
            if holder != said:
                logger.info(
                    "%s stands by: the lease %s/%s is of %s", self._identity, self._namespace, self._name, holder
                )
                said = holder
            await asyncio.sleep(self._terms.asks)

    async def keep(self) -> NoReturn:
        """Renew the lease until cancelled.

        Raises:
            LeadershipLostError: It could not be renewed in time, or somebody else has it.
        """
        while True:
            await asyncio.sleep(self._terms.renews)
            try:
                async with asyncio.timeout(max(0.0, self._until - self._clock())):
                    await self._renew()
            except (ApiError, TimeoutError) as error:
                logger.warning("the lease %s/%s was not renewed: %s", self._namespace, self._name, error)
            self.check()

    async def release(self) -> None:
        """Give the lease back, so that another process need not wait for its end."""
        if self._held is None:
            return
        held, self._held, self._until = self._held, None, float("-inf")
        try:
            await self._client.replace(LEASES, {**held, "spec": {**held["spec"], "holderIdentity": ""}})
        except ApiError as error:
            logger.warning("the lease %s/%s was not given back: %s", self._namespace, self._name, error)

    async def _try_to_take(self) -> str:
        """Take the lease if it is free. Returns who has it now."""
        sent, lease = self._clock(), await self._client.get(LEASES, self._namespace, self._name)
        try:
            if lease is None:
                self._note(sent, await self._client.create(LEASES, self._lease({}, transitions=0)))
            elif self._is_free(lease):
                before = lease.get("spec") or {}
                moved = int(before.get("leaseTransitions") or 0) + (before.get("holderIdentity") != self._identity)
                self._note(sent, await self._client.replace(LEASES, self._lease(lease["metadata"], transitions=moved)))
            else:
                return str(lease["spec"]["holderIdentity"])
        except ApiError as error:
            if error.status != 409:
                raise
            return "another, who was faster"
        return self._identity

    def _is_free(self, lease: Object) -> bool:
        spec, version = lease.get("spec") or {}, lease["metadata"]["resourceVersion"]
        if version != self._heard[0]:
            self._heard = (version, self._clock())
        silent = self._clock() - self._heard[1]
        return spec.get("holderIdentity") in (None, "", self._identity) or silent > float(
            spec.get("leaseDurationSeconds") or self._terms.lasts
        )

    async def _renew(self) -> None:
        assert self._held is not None, "acquire before keep"  # noqa: S101 (a bug of the caller)
        sent, transitions = self._clock(), self._held["spec"]["leaseTransitions"]
        try:
            renewed = self._lease(self._held["metadata"], transitions=transitions)
            self._note(sent, await self._client.replace(LEASES, renewed))
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            # Somebody wrote it. Where that was no new holder (a label; our own request, sent twice), go on from there.
            now = await self._client.get(LEASES, self._namespace, self._name)
            holder = ((now or {}).get("spec") or {}).get("holderIdentity")
            if now is None or holder != self._identity:
                self._held, self._until = None, float("-inf")
                raise LeadershipLostError(
                    f"the lease {self._namespace}/{self._name} is of {holder or 'nobody'} now"
                ) from error
            self._held = now

    def _note(self, sent: float, lease: Object) -> None:
        """Count from when it was sent: the server may have had it as early as that."""
        self._held, self._until = lease, sent + self._terms.acts

    def _lease(self, metadata: Object, *, transitions: int) -> Object:
        """The lease as this process writes it, on top of the metadata that was read."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        acquired = self._held["spec"]["acquireTime"] if self._held is not None else now
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.name,
            "metadata": {**metadata, "namespace": self._namespace, "name": self._name},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": self._terms.lasts,
                "acquireTime": acquired,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }
