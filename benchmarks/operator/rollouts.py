"""Pods for a whole fleet, and a tenth of it that changes at once: rolled, scaled down and deleted."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.journal import Figures
from benchmarks.operator.fleet import Fleet, mark_of, write
from benchmarks.operator.growing import CHILDREN
from benchmarks.operator.kubelet import Pods, is_ready, nodes
from benchmarks.operator.stage import INTERVAL_SECONDS, Stage, User, reached, stage
from benchmarks.operator.watching import watching
from cake_operator.apply.cache import Cache, Key, Object, owner_of
from cake_operator.apply.client import Client
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, DEPLOYMENTS, PODS, Kind

REPLICAS: Final = 4
ONE_CHANGES_OF: Final = 10


@dataclass(frozen=True)
class Wanted:
    """What one CakeDeployment is to come to: so many ready pods with that mark."""

    mark: int
    replicas: int


Plan = Mapping[Key, Wanted | None]
"""By CakeDeployment; None for one that is to be deleted."""


def plan(fleet: Fleet) -> Plan:
    """A tenth changes: of five, three get a new pod template, one gets half as many replicas, and one is deleted."""
    wanted: dict[Key, Wanted | None] = {}
    for number, key in enumerate(fleet.keys):
        turn, changes = divmod(number, ONE_CHANGES_OF)
        if changes != 0:
            wanted[key] = Wanted(0, fleet.replicas)
        elif turn % 5 < 3:
            wanted[key] = Wanted(1, fleet.replicas)
        else:
            wanted[key] = Wanted(0, fleet.replicas // 2) if turn % 5 == 3 else None
    return wanted


def unlike(wanted: Plan, cache: Cache) -> list[str]:
    """What is not as planned, a sentence each: Deployments, ready pods, status; and what nobody owns."""
    said = [fault for key, one in wanted.items() for fault in _faults(key, one, cache)]
    owners = {owner for kind in (*CHILDREN, PODS) for owner in _owners(kind, cache)}
    return said + [f"{owner} has children and is not there" for owner in owners - wanted.keys()]


def _owners(kind: Kind, cache: Cache) -> set[Key | None]:
    return {owner_of(obj) for key in cache.names(kind) if (obj := cache.get(kind, *key)) is not None}


def _faults(key: Key, wanted: Wanted | None, cache: Cache) -> list[str]:
    pods = cache.pods(key)
    if wanted is None:
        left = sum(1 for _ in cache.owned(key))
        return [f"{key} was deleted, and {left} of its objects are there"] if left else []
    deployment, resource = cache.get(DEPLOYMENTS, *key), cache.get(CAKE_DEPLOYMENTS, *key)
    if deployment is None or resource is None:
        return [f"{key} is not there"]
    ready = [pod for pod in pods if is_ready(pod) and not pod["metadata"].get("deletionTimestamp")]
    status, asked = resource.get("status") or {}, deployment["spec"]["replicas"]
    found = {
        "mark": (mark_of(deployment), wanted.mark),
        "replicas": (asked, wanted.replicas),
        "pods": (len(pods), wanted.replicas),
        "ready pods": (len(ready), wanted.replicas),
        "status.readyReplicas": (status.get("readyReplicas"), wanted.replicas),
        "status.observedGeneration": (status.get("observedGeneration"), resource["metadata"]["generation"]),
    }
    return [f"{key}: {what} {is_}, planned {planned}" for what, (is_, planned) in found.items() if is_ != planned]


@dataclass
class Flapping:
    """What moved that should have stood still, or moved more than once.

    Attributes:
        specs: By CakeDeployment, how often its Deployment's spec was written.
        statuses: CakeDeployments whose status was written although nothing of theirs was to change.
        dips: Deployments that had fewer ready pods than before and after.
    """

    wanted: Plan
    before: Mapping[Key, Object]
    specs: collections.Counter[Key] = field(default_factory=collections.Counter)
    statuses: set[Key] = field(default_factory=set)
    dips: set[Key] = field(default_factory=set)

    def note(self, obj: Object) -> None:
        """Take in that an object has changed."""
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        wanted = self.wanted.get(key)
        if wanted is None:
            return
        if obj["kind"] == DEPLOYMENTS.name:
            self.specs[key] = obj["metadata"]["generation"] - self.before[key]["metadata"]["generation"]
            if ((obj.get("status") or {}).get("readyReplicas") or 0) < wanted.replicas:
                self.dips.add(key)
        elif obj["kind"] == CAKE_DEPLOYMENTS.name and wanted == Wanted(0, REPLICAS):
            self.statuses.add(key)

    @property
    def extra_writes(self) -> int:
        """Writes of specs beyond the one that each changed CakeDeployment asks for."""
        asked = {key: int(one != Wanted(0, REPLICAS)) for key, one in self.wanted.items() if one is not None}
        return sum(max(0, self.specs[key] - number) for key, number in asked.items())


def measure(folder: Path, *, size: int) -> Figures:
    """Seconds until all pods are ready, and until a tenth has changed; what flapped, and what is not as planned."""
    with stage(folder) as found, found.operator():
        return asyncio.run(_measure(found, Fleet(size, REPLICAS)))


async def _measure(stage: Stage, fleet: Fleet) -> Figures:
    fleet.make_namespaces(stage.cluster)
    listeners: list[Callable[[Object], None]] = []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(User())

        def note(obj: Object) -> None:
            for listener in listeners:
                listener(obj)

        kinds = (*CHILDREN, PODS, CAKE_DEPLOYMENTS)
        cache = await stack.enter_async_context(watching(client, kinds, note))
        pods = Pods(cache)
        listeners.append(pods.note)
        await stack.enter_async_context(nodes(stage, pods))
        before: Plan = {key: Wanted(0, REPLICAS) for key in fleet.keys}
        began = time.monotonic()
        await write(client, [fleet.resource(key) for key in fleet.keys])
        await _comes_to(before, cache)
        ready = time.monotonic() - began
        stage.tell(f"{fleet.size * REPLICAS} pods are ready after {ready:.0f} s")
        await stage.quiet()
        wanted = plan(fleet)
        flapping = Flapping(wanted, {key: cache.get(DEPLOYMENTS, *key) or {} for key in fleet.keys})
        listeners.append(flapping.note)
        began = time.monotonic()
        await _change(client, fleet, wanted, cache)
        await _comes_to(wanted, cache)
        changed = time.monotonic() - began
        stage.tell(f"a tenth has changed after {changed:.0f} s")
        await asyncio.sleep(INTERVAL_SECONDS + 1)  # one look at everything more: it stays like that
        left = unlike(wanted, cache)
    return {
        "size": fleet.size,
        "pods": fleet.size * REPLICAS,
        "ready_s": ready,
        "changed_s": changed,
        "unlike_plan": len(left),
        "extra_writes": flapping.extra_writes,
        "stirred_statuses": len(flapping.statuses),
        "dips": len(flapping.dips),
    }


async def _change(client: Client, fleet: Fleet, wanted: Plan, cache: Cache) -> None:
    """Change at once what is planned to change."""
    unchanged = Wanted(0, REPLICAS)
    leaving = [cache.get(CAKE_DEPLOYMENTS, *key) for key, one in wanted.items() if one is None]
    async with asyncio.TaskGroup() as group:
        changed = [
            fleet.resource(key, one.mark, one.replicas) for key, one in wanted.items() if one and one != unchanged
        ]
        group.create_task(write(client, changed))
        for resource in leaving:
            assert resource is not None, "what is to be deleted was there"
            meta = resource["metadata"]
            group.create_task(client.delete(CAKE_DEPLOYMENTS, meta["namespace"], meta["name"], meta["uid"]))


async def _comes_to(wanted: Plan, cache: Cache) -> None:
    async def done() -> bool:
        return not unlike(wanted, cache)

    await reached(done, "all is as planned", every=0.5)
