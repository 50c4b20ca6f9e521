"""`python -m cake_operator.installed`: whether an installation works. `helm test` runs it; it writes nothing."""

from __future__ import annotations

import asyncio
import os
import sys

import kopf

from cake_operator.apply.client import Client, Object
from cake_operator.apply.credentials import login
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, LEASES
from cake_operator.configuration import Configuration, ConfigurationError

__all__ = ["NotWorkingError", "acting", "served"]

# Pods of a new release start, and a replica that was lost is followed by another.
WAIT_SECONDS = 180.0
POLL_SECONDS = 1.0


class NotWorkingError(Exception):
    """A part of the installation does not work; the text says which, and what to look at."""


async def served(client: Client, namespace: str | None) -> str:
    """A sentence about the CRD and the right to read CakeDeployments, in `namespace` or in all.

    Raises:
        NotWorkingError: One of them is missing.
    """
    if not await client.offers(CAKE_DEPLOYMENTS):
        raise NotWorkingError(
            "the API server does not know CakeDeployments: install the chart with crds.enabled=true, or apply crds/"
        )
    where = f"the namespace {namespace}" if namespace else "all namespaces"
    try:
        found, _ = await client.list(CAKE_DEPLOYMENTS, namespace)
    except ApiError as error:
        raise NotWorkingError(f"CakeDeployments of {where} cannot be read: {error}") from error
    return f"CakeDeployments are served, and {where} may be read: there are {len(found)}"


async def acting(client: Client, namespace: str, lease: str, *, wait_seconds: float) -> str:
    """A sentence about the replica that acts, once its lease was seen to be renewed.

    Moments that it wrote are not compared with a clock of ours: they may differ.

    Raises:
        NotWorkingError: Nobody renews the lease for `wait_seconds`.
    """
    first = _renewal(await client.get(LEASES, namespace, lease))
    try:
        async with asyncio.timeout(wait_seconds):
            while True:
                await asyncio.sleep(POLL_SECONDS)
                holder, moment = now = _renewal(await client.get(LEASES, namespace, lease))
                if holder and now != first:
                    return f"{holder} acts: it renewed the lease {namespace}/{lease} at {moment}"
    except TimeoutError as late:
        raise NotWorkingError(
            f"no replica has renewed the lease {namespace}/{lease} for {wait_seconds:g} s: look at the operator's pods"
            f" with `kubectl logs -n {namespace} deployment/{lease}`"
        ) from late


def _renewal(lease: Object | None) -> tuple[str, str]:
    """Who holds a lease, and when it was renewed; empty where nobody has it."""
    spec = (lease or {}).get("spec") or {}
    return str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")


async def _examine(configuration: Configuration) -> None:
    settings = kopf.OperatorSettings()
    async with Client(lambda: login(settings)) as client:
        print(await served(client, configuration.namespace), flush=True)
        if configuration.lease is not None:
            wait_seconds = max(WAIT_SECONDS, float(configuration.lease_seconds))
            print(await acting(client, *configuration.lease, wait_seconds=wait_seconds), flush=True)


def main() -> int:
    """Examine the installation that the environment describes, as the operator's own pods have it.

    Returns:
        0; 1 where it does not work; 2 where the environment describes none.
    """
    try:
        asyncio.run(_examine(Configuration.of(os.environ)))
    except ConfigurationError as error:
        print(f"cake-operator: {error}", file=sys.stderr)
        return 2
    except (NotWorkingError, ApiError, kopf.LoginError) as error:
        print(f"cake-operator does not work: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
