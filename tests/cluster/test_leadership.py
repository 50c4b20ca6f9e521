"""Two replicas of the operator, one of which acts: what holds when that one ends, in whatever way."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cakes import Cake
from tests.cluster.conftest import fresh_namespace, with_crds
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster
from tests.started_here import started_here

pytestmark = started_here

SHORT, LONG = 15, 120
"""Seconds that a lease lasts: where its end is waited for, and where a machine that stands still must not end it."""


@pytest.fixture(scope="module")
def alone() -> Iterator[Cluster]:
    """An API server with no other operator on it."""
    with Cluster.up(control_plane_only=True) as cluster:
        with_crds(cluster)
        yield cluster


@pytest.fixture
def cake(alone: Cluster) -> Iterator[Cake]:
    with fresh_namespace(alone) as namespace:
        yield Cake(alone, namespace)


@pytest.fixture
def lasts() -> int:
    return LONG


@pytest.fixture
def replicas(cake: Cake, tmp_path: Path, lasts: int) -> Iterator[tuple[OperatorProcess, OperatorProcess]]:
    """The one that acts, and the one that stands by."""

    def replica(name: str) -> OperatorProcess:
        lease = {"CAKE_LEASE": f"{cake.namespace}/cake-operator", "CAKE_LEASE_SECONDS": str(lasts)}
        variables = {**lease, "CAKE_IDENTITY": name}
        return OperatorProcess(cake.cluster.kubeconfig, tmp_path / name, **variables)

    with replica("first") as first:
        eventually(lambda: acting(first), "the first acts")
        with replica("second") as second:
            yield first, second


def acting(replica: OperatorProcess) -> bool:
    return replica.figure("cake_operator_acting") == 1


def seed(cake: Cake, value: int) -> None:
    cake.apply(engine={"args": [f"--seed={value}"]})


def awaits_seed(cake: Cake, value: int) -> None:
    eventually(lambda: f"--seed={value}" in str(cake.must("deployment")), f"the seed {value} arrives")


def test_one_acts_and_the_other_writes_nothing(cake: Cake, replicas: tuple[OperatorProcess, OperatorProcess]) -> None:
    first, second = replicas
    cake.apply()
    cake.made()
    first.settle()
    assert acting(first)
    assert not acting(second)
    assert first.writes() > 0
    assert second.writes() == 0
    assert second.health() == 200


@pytest.mark.parametrize("lasts", [SHORT])
def test_a_killed_replica_is_followed_in_mid_rollout(
    cake: Cake, replicas: tuple[OperatorProcess, OperatorProcess]
) -> None:
    first, second = replicas
    cake.apply()
    before = cake.made()
    seed(cake, 1)
    awaits_seed(cake, 1)
    first.kill()
    seed(cake, 2)
    awaits_seed(cake, 2)
    assert acting(second)
    after = cake.made()
    assert {name: child["metadata"]["uid"] for name, child in after.items()} == {
        name: child["metadata"]["uid"] for name, child in before.items()
    }
    cake.surged()
    second.settle()
    writes = second.writes()
    second.settle()
    assert second.writes() == writes, "the new one is at rest"


def test_a_replica_that_is_told_to_end_hands_over_at_once(
    cake: Cake, replicas: tuple[OperatorProcess, OperatorProcess]
) -> None:
    first, second = replicas
    cake.apply()
    cake.made()
    assert first.stop() == 0
    eventually(lambda: acting(second), "the second acts, long before the lease ends")
    seed(cake, 1)
    awaits_seed(cake, 1)


@pytest.mark.parametrize("lasts", [SHORT])
def test_a_replica_that_was_frozen_while_another_took_over_writes_nothing_more(
    cake: Cake, replicas: tuple[OperatorProcess, OperatorProcess]
) -> None:
    first, second = replicas
    cake.apply()
    cake.made()
    first.freeze()
    seed(cake, 1)  # it hears of this when it thaws, in the belief that no time has passed
    eventually(lambda: acting(second), "the second acts")
    awaits_seed(cake, 1)
    cake.kubectl("delete", "service", "chat")  # something to do for whoever thinks that it acts
    told = first.log.stat().st_size
    first.thaw()
    assert first.wait() == 1
    with first.log.open() as log:
        log.seek(told)
        said = log.read()
    assert "does not hold the lease" in said
    assert "applied" not in said


@pytest.mark.parametrize("lasts", [SHORT])
def test_a_replica_whose_lease_was_taken_ends_and_stands_by_when_it_comes_back(
    cake: Cake, replicas: tuple[OperatorProcess, OperatorProcess]
) -> None:
    first, _ = replicas
    thief = {"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 600}}
    cake.kubectl("patch", "lease", "cake-operator", "--type=merge", "-p", json.dumps(thief))
    assert first.wait() == 1
    first.start()
    first.settle()
    assert not acting(first)
