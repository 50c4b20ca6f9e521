"""Who names a claim, as CakeDeployments come, change and go."""

from typing import Any

import pytest

from cake_operator.api import Readings
from cake_operator.apply.cache import Cache
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CLAIMS
from cake_operator.apply.mounts import claims_named
from cake_operator.apply.seeing import neighbours, see
from cake_operator.main import _notifier
from cake_operator.workqueue import WorkQueue
from tests.unit.api.specs import FIVE_FIELDS, MADE, MEMORY, SHARED, merged

Object = dict[str, Any]


def cake(name: str, *tiers: Object, version: int = 1, **spec: Any) -> Object:
    meta = {"name": name, "namespace": "team", "uid": name, "generation": version, "resourceVersion": str(version)}
    return merged(FIVE_FIELDS, {"metadata": meta, "spec": {"kvTiers": [MEMORY, *tiers], **spec}})


NAMED: dict[str, tuple[Object, set[str]]] = {
    "the model's": (cake("chat"), {"models"}),
    "a tier's": (cake("chat", SHARED), {"models", "kv"}),
    "one that we make": (cake("chat", MADE), {"models", "chat-made"}),
    "none": (cake("chat", model={"source": None}), set()),
    "nonsense": ({"metadata": {"name": "chat"}, "spec": {"model": 1, "kvTiers": ["x", {}]}}, set()),
    "no spec": ({"metadata": {"name": "chat"}}, set()),
}


@pytest.mark.parametrize("which", NAMED)
def test_the_claims_that_a_resource_names_are_read_whatever_else_it_says(which: str) -> None:
    stored, named = NAMED[which]
    assert claims_named(stored) == named


def test_a_claims_users_follow_their_specs() -> None:
    cache = Cache()
    cache.put(CAKE_DEPLOYMENTS, cake("a", SHARED))
    cache.put(CAKE_DEPLOYMENTS, cake("b", SHARED))
    assert cache.mounting("team", "kv") == [("team", "a"), ("team", "b")]
    assert cache.mounting("other", "kv") == []
    cache.put(CAKE_DEPLOYMENTS, cake("a", version=2))
    assert cache.mounting("team", "kv") == [("team", "b")]
    cache.drop(CAKE_DEPLOYMENTS, cake("b", version=3))
    assert cache.mounting("team", "kv") == []


def woken(cache: Cache, claim: Object) -> int:
    queue = WorkQueue[tuple[str, str]]()
    _notifier(cache, queue.add)({"kind": CLAIMS.name, **claim})
    return len(queue)


def test_a_change_of_a_claim_wakes_those_that_name_it_and_nobody_else() -> None:
    cache = Cache()
    for name, tiers in (("a", [SHARED]), ("b", [SHARED]), ("c", [MADE])):
        cache.put(CAKE_DEPLOYMENTS, cake(name, *tiers))
    assert woken(cache, {"metadata": {"namespace": "team", "name": "kv"}}) == 2
    assert woken(cache, {"metadata": {"namespace": "team", "name": "models"}}) == 3
    assert woken(cache, {"metadata": {"namespace": "team", "name": "unknown"}}) == 0
    ours = {"namespace": "team", "name": "c-made", "labels": {"cake.dev/deployment": "c"}}
    assert woken(cache, {"metadata": ours}) == 1


def test_neighbours_are_those_that_share_a_claim_and_can_be_read() -> None:
    cache, readings = Cache(), Readings()
    cache.put(CAKE_DEPLOYMENTS, cake("a", SHARED, model={"source": {"persistentVolumeClaim": {"claimName": "m1"}}}))
    cache.put(CAKE_DEPLOYMENTS, cake("b", SHARED | {"capacity": "5Gi"}))
    cache.put(CAKE_DEPLOYMENTS, cake("c", MADE))
    cache.put(CAKE_DEPLOYMENTS, cake("d", SHARED, scaling={"minReplicas": 9}))
    resource = readings.read(cache.get(CAKE_DEPLOYMENTS, "team", "a") or {})
    found = neighbours(cache, readings, resource, see(cache, resource))
    assert {name: [(use.claim, use.capacity) for use in uses] for name, uses in found.items()} == {
        "b": [("models", 0), ("kv", 5 * 2**30)]
    }
