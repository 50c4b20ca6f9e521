"""What counts as planned, as an orphan, and as flapping."""

import collections
from typing import Any

import pytest

from benchmarks.operator.fleet import MARK, Fleet
from benchmarks.operator.rollouts import Flapping, Wanted, plan, unlike
from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, DEPLOYMENTS, PODS
from cake_operator.render.naming import DEPLOYMENT_LABEL

KEY = ("team-0", "model-0")
VERSIONS = iter(range(1, 1000))


def meta(name: str, owner: str | None = None, **changed: Any) -> Object:
    labels = {} if owner is None else {"labels": {DEPLOYMENT_LABEL: owner}}
    version = str(next(VERSIONS))
    return (
        {"namespace": KEY[0], "name": name, "resourceVersion": version, "uid": name, "generation": 1} | labels | changed
    )


def deployment(mark: int, replicas: int, ready: int = 4, **changed: Any) -> Object:
    return {
        "kind": "Deployment",
        "metadata": meta(KEY[1], KEY[1], **changed),
        "spec": {"replicas": replicas, "template": {"metadata": {"annotations": {MARK: str(mark)}}}},
        "status": {"readyReplicas": ready},
    }


def pod(number: int, owner: str = KEY[1], **changed: Any) -> Object:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"kind": "Pod", "metadata": meta(f"{owner}-{number}", owner, **changed), "status": status}


def resource(ready: int) -> Object:
    status = {"observedGeneration": 1, "readyReplicas": ready}
    return {"kind": "CakeDeployment", "metadata": meta(KEY[1]), "spec": {}, "status": status}


def cluster(*pods: Object, ready: int = 4, mark: int = 0, replicas: int = 4) -> Cache:
    cache = Cache()
    cache.put(CAKE_DEPLOYMENTS, resource(ready))
    cache.put(DEPLOYMENTS, deployment(mark, replicas))
    for one in pods:
        cache.put(PODS, one)
    return cache


FOUR = [pod(number) for number in range(4)]
PLANNED = {KEY: Wanted(0, 4)}


def test_a_tenth_changes_in_each_of_the_three_ways_and_the_rest_stays() -> None:
    kinds = collections.Counter(plan(Fleet(500, 4)).values())

    assert kinds == {Wanted(0, 4): 450, Wanted(1, 4): 30, Wanted(0, 2): 10, None: 10}


def test_what_is_as_planned_says_nothing() -> None:
    assert unlike(PLANNED, cluster(*FOUR)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (cluster(*FOUR, mark=1), "mark 1, planned 0"),
        (cluster(*FOUR, replicas=3), "replicas 3, planned 4"),
        (cluster(*FOUR, {**pod(4), "status": {}}), "pods 5, planned 4"),
        (cluster(*FOUR[:3], pod(5, deletionTimestamp="now")), "ready pods 3, planned 4"),
        (cluster(*FOUR, ready=3), "status.readyReplicas 3, planned 4"),
        (cluster(*FOUR, pod(0, "nobody")), "('team-0', 'nobody') has children and is not there"),
    ],
)
def test_each_thing_that_is_not_as_planned_is_told(found: Cache, said: str) -> None:
    assert [one.removeprefix(f"{KEY}: ") for one in unlike(PLANNED, found)] == [said]


def test_what_is_left_of_a_deleted_one_is_told() -> None:
    wanted: dict[Key, Wanted | None] = {KEY: None}

    assert unlike(wanted, Cache()) == []
    assert unlike(wanted, cluster(*FOUR)) == [f"{KEY} was deleted, and 5 of its objects are there"]


def test_a_spec_written_twice_a_stirred_status_and_a_dip_are_flapping() -> None:
    rolled, still = ("team-0", "model-0"), ("team-0", "model-1")
    before = {key: deployment(0, 4) for key in (rolled, still)}
    flapping = Flapping({rolled: Wanted(1, 4), still: Wanted(0, 4)}, before)
    flapping.note(deployment(1, 4, generation=2))
    assert (flapping.extra_writes, flapping.statuses, flapping.dips) == (0, set(), set())
    flapping.note(deployment(1, 4, ready=3, generation=3))
    flapping.note({"kind": "CakeDeployment", "metadata": meta("model-0")})
    flapping.note({"kind": "CakeDeployment", "metadata": meta("model-1")})
    assert (flapping.extra_writes, flapping.statuses, flapping.dips) == (1, {still}, {rolled})
