"""Many CakeDeployments: their names, their specs, and the mark by which a change of one is known in its child."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from cake_operator.apply.cache import Key, Object
from cake_operator.apply.client import Client
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from tests.cluster.cakes import FIVE_FIELDS
from tests.localcluster import Cluster

IN_A_NAMESPACE: Final = 20
AT_ONCE: Final = 16
MARK: Final = "bench.cake.dev/mark"
"""An annotation that a change gives to the pod template: it rolls the pods, as most changes do."""


@dataclass(frozen=True)
class Fleet:
    """So many CakeDeployments, each with so many replicas."""

    size: int
    replicas: int = 0

    @property
    def keys(self) -> list[Key]:
        """Namespace and name of each."""
        return [(f"team-{number // IN_A_NAMESPACE}", f"model-{number}") for number in range(self.size)]

    def resource(self, key: Key, mark: int = 0, replicas: int | None = None) -> Object:
        """What its user writes."""
        resource: Object = copy.deepcopy(FIVE_FIELDS)
        resource["metadata"] = {"namespace": key[0], "name": key[1]}
        resource["spec"] |= {
            "replicas": self.replicas if replicas is None else replicas,
            "engine": {"podTemplate": {"metadata": {"annotations": {MARK: str(mark)}}}},
        }
        return resource

    def make_namespaces(self, cluster: Cluster) -> None:
        """Make those that it lives in."""
        names = sorted({namespace for namespace, _ in self.keys})
        made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
        cluster.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))


async def write(client: Client, resources: Collection[Object]) -> None:
    """Apply CakeDeployments as users do, some at a time."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(resource: Object) -> None:
        async with turn:
            await client.apply(CAKE_DEPLOYMENTS, resource, force=True)

    async with asyncio.TaskGroup() as group:
        for resource in resources:
            group.create_task(one(resource))


def mark_of(deployment: dict[str, Any]) -> int:
    """The mark that a child Deployment carries."""
    annotations = deployment["spec"]["template"]["metadata"].get("annotations") or {}
    return int(annotations.get(MARK, -1))
