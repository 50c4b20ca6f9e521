"""Looks that are spared: never one that would have done something."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_operator import instruments
from cake_operator.api import CakeDeployment
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CLAIMS, CONFIG_MAPS, DEPLOYMENTS, PODS, SERVICES
from cake_operator.apply.seeing import Seen
from cake_operator.deciding import Memory, decide
from cake_operator.observe.snapshot import NOTHING, DeploymentSnapshot, FleetSnapshot
from cake_operator.policy.laws import Laws
from cake_operator.quiet import LONGEST, Quiet, QuietLooks
from cake_operator.render.naming import DEPLOYMENT_LABEL
from tests.unit.policy.figures import at, busy, idle, present
from tests.unit.reconcile.small_cluster import KEY, SmallCluster, cake, small_cluster

SHARED = {"name": "shared", "persistentVolumeClaim": {"claimName": "kv", "path": "a"}, "capacity": "1Gi"}
TIERS = [{"name": "memory", "memory": {}, "capacity": "1Gi"}, SHARED]
LABELS = {DEPLOYMENT_LABEL: KEY[1]}


def spared() -> float:
    return instruments.SPARED._value.get()


def pod(ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"namespace": KEY[0], "name": "chat-1", "labels": LABELS}
    return {"metadata": metadata, "status": {"conditions": conditions}}


def claim(size: str) -> dict[str, Any]:
    status = {"phase": "Bound", "capacity": {"storage": size}}
    metadata = {"namespace": KEY[0], "name": "kv"}
    return {"metadata": metadata, "spec": {"accessModes": ["ReadWriteMany"]}, "status": status}


def rescale(cluster: SmallCluster, replicas: int) -> None:
    """An autoscaler sets the Deployment's number."""
    live = cluster.objects.get((DEPLOYMENTS, *KEY))
    if live is not None:
        owner = [{"manager": "hpa", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
        metadata = {**live["metadata"], "managedFields": owner}
        cluster.put(DEPLOYMENTS, {**live, "metadata": metadata, "spec": {**live["spec"], "replicas": replicas}})


def edit(cluster: SmallCluster) -> None:
    """Somebody edits the live configuration by hand."""
    live = cluster.objects.get((CONFIG_MAPS, KEY[0], f"{KEY[1]}-tuning"))
    if live is not None:
        cluster.put(CONFIG_MAPS, {**live, "data": {"tuning.json": "nonsense"}})


def measure(cluster: SmallCluster, snapshot: DeploymentSnapshot, error: str | None = None) -> None:
    """Prometheus is asked."""
    cluster.reconciler.fleet = FleetSnapshot(cluster.now, {KEY: snapshot}, error)


def refuse(cluster: SmallCluster, plural: str) -> None:
    cluster.refuses = plural


Event = Callable[[SmallCluster], None]
EVENTS: dict[str, Event] = {
    "another spec": lambda cluster: cluster.put(CAKE_DEPLOYMENTS, cake(kvTiers=TIERS, replicas=2)),
    "a child edited": edit,
    "a child gone": lambda cluster: cluster.take(SERVICES, *KEY),
    "another number": lambda cluster: rescale(cluster, 7),
    "a pod": lambda cluster: cluster.put(PODS, pod(ready=False)),
    "a ready pod": lambda cluster: cluster.put(PODS, pod(ready=True)),
    "a claim": lambda cluster: cluster.put(CLAIMS, claim("1Gi")),
    "a neighbour on the claim": lambda cluster: cluster.put(CAKE_DEPLOYMENTS, cake("other", kvTiers=TIERS)),
    "figures": lambda cluster: measure(cluster, busy()),
    "no figures": lambda cluster: measure(cluster, NOTHING, "Prometheus is down"),
    "five minutes": lambda cluster: cluster.pass_time(LONGEST.total_seconds()),
}


async def at_rest(cluster: SmallCluster, **spec: Any) -> None:
    """One that was made, and looked at until there is nothing more to do."""
    cluster.put(CAKE_DEPLOYMENTS, cake(**{"kvTiers": TIERS, "replicas": 1, **spec}))
    for _ in range(3):
        await cluster.look()
        cluster.pass_time(1)


async def test_a_look_at_what_nothing_has_changed_of_is_spared() -> None:
    async with small_cluster() as cluster:
        await at_rest(cluster)
        before, written = spared(), len(cluster.writes)
        for _ in range(5):
            await cluster.look()
            cluster.pass_time(15)
        assert (spared() - before, len(cluster.writes)) == (5, written)


@pytest.mark.parametrize("which", EVENTS)
async def test_a_look_is_made_when_something_that_the_last_one_went_by_has_changed(which: str) -> None:
    async with small_cluster() as cluster:
        await at_rest(cluster)
        EVENTS[which](cluster)
        before = spared()
        await cluster.look()
        assert spared() == before


async def test_looks_by_an_objective_are_all_made_as_each_remembers_what_was_wished_for_then() -> None:
    async with small_cluster() as cluster:
        await at_rest(cluster, replicas=None, slo={"ttft": {"target": "1s"}})
        before = spared()
        await cluster.look()
        assert spared() == before


async def test_what_was_refused_is_asked_for_again_at_every_look() -> None:
    async with small_cluster() as cluster:
        cluster.refuses = "services"
        await at_rest(cluster)
        before, written = spared(), len(cluster.writes)
        for _ in range(3):
            await cluster.look()
            cluster.pass_time(15)
        assert (spared(), len(cluster.writes)) == (before, written + 3)


def test_what_is_counted_of_decisions_goes_on_while_looks_are_spared() -> None:
    async def count() -> float:
        async with small_cluster() as cluster:
            await at_rest(cluster)
            kept = instruments.DECISIONS.labels("scaling", "kept")
            before = kept._value.get()
            await cluster.look()
            return kept._value.get() - before

    assert asyncio.run(count()) == 1


class Never(QuietLooks):
    """Spares none."""

    def note(self, key: tuple[str, str], look: Quiet) -> None:
        """Forget it."""


MOVES: dict[str, Event] = {
    **EVENTS,
    "the first spec": lambda cluster: cluster.put(CAKE_DEPLOYMENTS, cake(kvTiers=TIERS, replicas=1)),
    "an objective": lambda cluster: cluster.put(
        CAKE_DEPLOYMENTS, cake(slo={"ttft": {"target": "1s"}}, scaling={"maxReplicas": 5})
    ),
    "its number again": lambda cluster: rescale(cluster, 1),
    "a third number": lambda cluster: rescale(cluster, 4),
    "a pod less": lambda cluster: cluster.take(PODS, KEY[0], "chat-1"),
    "a larger claim": lambda cluster: cluster.put(CLAIMS, claim("9Gi")),
    "a neighbour less": lambda cluster: cluster.take(CAKE_DEPLOYMENTS, KEY[0], "other"),
    "figures of rest": lambda cluster: measure(cluster, idle()),
    "a generation reported": lambda cluster: measure(cluster, replace(busy(), generations={"chat-1": 1})),
    "meeting points": lambda cluster: measure(
        cluster, replace(busy(), generations={"chat-1": 1}, meeting_points=present(500), meeting_point_low=present(0.5))
    ),
    "services refused": lambda cluster: refuse(cluster, "services"),
    "nothing refused": lambda cluster: refuse(cluster, ""),
    "a moment": lambda cluster: cluster.pass_time(1),
    "a minute": lambda cluster: cluster.pass_time(61),
    "an hour": lambda cluster: cluster.pass_time(3601),
}


async def play(moves: list[str], looks: QuietLooks | None) -> tuple[list[tuple[str, str]], dict[Any, Any], Any]:
    async with small_cluster() as cluster:
        if looks is not None:
            cluster.reconciler._quiet = looks
        await at_rest(cluster)
        for move in moves:
            MOVES[move](cluster)
            for _ in range(3):
                await cluster.look()
                cluster.pass_time(15)
        return cluster.writes, cluster.objects, cluster.reconciler._memories


@settings(max_examples=12)
@given(st.lists(st.sampled_from(sorted(MOVES)), min_size=1, max_size=8))
def test_sparing_looks_changes_nothing_that_is_written_or_remembered(moves: list[str]) -> None:
    assert asyncio.run(play(moves, None)) == asyncio.run(play(moves, Never()))


SPECS: list[dict[str, Any]] = [
    {"replicas": 3},
    {"replicas": 3, "balance": {"tuning": "Off"}},
    {"balance": {"tuning": "Recommend"}},
    {"slo": {"ttft": {"target": "1s"}}, "scaling": {"maxReplicas": 5}},
]
LOOKS = st.tuples(
    st.integers(1, 900),  # seconds since the last
    st.sampled_from([None, "hpa"]),
    st.integers(1, 4),  # replicas of the Deployment
    st.sampled_from([NOTHING, idle(), busy(), replace(busy(), generations={"a": 1})]),
)


@settings(max_examples=300)
@given(st.sampled_from(SPECS), st.lists(LOOKS, min_size=1, max_size=10), st.integers(0, 4000))
def test_time_alone_decides_nothing_before_the_moment_that_is_told(
    spec: dict[str, Any], looks: list[Any], later: int
) -> None:
    resource = CakeDeployment.model_validate(cake(**spec))
    memory, now = Memory("u"), at(0)
    for number, (seconds, owner, replicas, snapshot) in enumerate(looks):
        now += timedelta(seconds=seconds)
        deployment = {"metadata": {"generation": number}, "spec": {"replicas": replicas}}
        seen = Seen(deployment=deployment, pods=[], live=None, claim_uses=[], claims={}, replicas_owner=owner)
        _, memory = decide(resource, seen, snapshot, memory, laws=Laws(), reached=0, now=now)
    now += timedelta(seconds=1)
    decided, after = decide(resource, seen, snapshot, memory, laws=Laws(), reached=0, now=now)
    then = now + timedelta(seconds=later)
    if after != memory or (decided.until is not None and then >= decided.until):
        return  # it would not be spared
    again, still = decide(resource, seen, snapshot, memory, laws=Laws(), reached=0, now=then)
    assert still == after
    assert (again.replicas, again.live, again.contention) == (decided.replicas, decided.live, decided.contention)
    assert (again.scaling.valid, again.balance.valid) == (decided.scaling.valid, decided.balance.valid)
