"""What it costs to end pods, as it is told to Kubernetes."""

from typing import Any

from cake_operator.apply.cache import Cache
from cake_operator.apply.keeping import DELETION_COST, keeper
from cake_operator.apply.kinds import PODS
from cake_operator.apply.parting import write_costs
from tests.unit.apply.api_server import Script, client_of, ok, refusal

Object = dict[str, Any]


def pod(name: str, version: int = 1, cost: str | None = None) -> Object:
    meta = {"name": name, "namespace": "team", "uid": name, "resourceVersion": str(version)}
    noise = {"annotations": {"note": "x", **({DELETION_COST: cost} if cost else {})}}
    return {"metadata": {**meta, **noise}, "status": {}}


def cache_of(*pods: Object) -> Cache:
    cache = Cache()
    for one in pods:
        cache.put(PODS, keeper(PODS)(one))
    return cache


async def test_a_cost_is_written_where_it_is_another_and_to_no_pod_that_is_not_there() -> None:
    cache, script = cache_of(pod("a", cost="3"), pod("b", cost="1")), Script(ok(pod("b", version=2, cost="5")))
    async with client_of(script) as client:
        costs = {"a": 3, "b": 5, "gone": 0}
        await write_costs(client, cache, "team", costs)
        assert [method for method, _ in script.requests] == ["PATCH"]
        await write_costs(client, cache, "team", costs)
        assert len(script.requests) == 1, "what was written is known"


async def test_a_cost_that_is_refused_holds_up_nothing() -> None:
    cache, script = cache_of(pod("a"), pod("b")), Script(refusal(403, "Forbidden"), ok(pod("b", version=2, cost="5")))
    async with client_of(script) as client:
        await write_costs(client, cache, "team", {"a": 1, "b": 5})
    assert (cache.get(PODS, "team", "b") or {})["metadata"]["annotations"] == {DELETION_COST: "5"}
