"""Tells Kubernetes which pods to end first: it takes those of the lowest cost when a Deployment shrinks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from cake_operator import instruments
from cake_operator.apply.cache import Cache
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.keeping import DELETION_COST, keeper
from cake_operator.apply.kinds import PODS

__all__ = ["write_costs"]

FIELDS: Final = ("name", "namespace", "uid")

logger = logging.getLogger(__name__)


async def write_costs(client: Client, cache: Cache, namespace: str, costs: Mapping[str, int]) -> None:
    """Write what it costs to end pods, where that is not what stands there.

    The uid goes along: a pod that is gone is not made anew. One that cannot be written holds up nothing: another pod
    may go than the idlest, and finishes what it has begun all the same.
    """
    for name, cost in costs.items():
        pod = cache.get(PODS, namespace, name)
        if pod is None or (pod["metadata"].get("annotations") or {}).get(DELETION_COST) == str(cost):
            continue
        meta = {field: pod["metadata"][field] for field in FIELDS} | {"annotations": {DELETION_COST: str(cost)}}
        try:
            written = await client.apply(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": meta}, force=True)
        except ApiError as error:
            logger.warning("%s/%s: the pod's deletion cost was not written: %s", namespace, name, error)
            continue
        instruments.WRITES.labels(PODS.name, "apply").inc()
        cache.refresh(PODS, keeper(PODS)(written))
