"""What is found without a watch that tells of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from cake_operator import resync as module
from cake_operator.apply.cache import Cache, Key
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.endpoints import Pulse
from cake_operator.observe.sampling import Sampling, Watched
from cake_operator.observe.snapshot import FleetSnapshot
from cake_operator.resync import look, relist, resync, served
from cake_operator.workqueue import WorkQueue, work
from tests.unit.apply.api_server import Script, client_of, ok, refusal

GROUPS = ok({"groups": [{"name": "apps"}, {"name": "cake.dev"}]})
NO_GROUP = ok({"groups": [{"name": "apps"}]})
RESOURCES = ok({"resources": [{"name": "cakedeployments"}, {"name": "cakedeployments/status"}]})
NO_RESOURCE = ok({"resources": []})


def stored(name: str, version: int, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": name, "resourceVersion": str(version), "uid": name}, "spec": spec}


async def test_the_operator_waits_until_the_api_server_tells_of_cakedeployments(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "SERVED_POLL_SECONDS", 0.01)
    script = Script(refusal(403, "Forbidden", "not you"), NO_GROUP, NO_GROUP, GROUPS, NO_RESOURCE, GROUPS, RESOURCES)
    pulse = Pulse(60)
    async with client_of(script) as client, asyncio.timeout(10):
        await served(client, pulse)
    assert len(script.requests) == 7
    assert [record.message for record in caplog.records] == [
        "waiting for the API server: not you",
        "waiting for the API server: the CRD of CakeDeployment is not installed: install the chart",
    ]


async def test_a_list_finds_what_no_watch_told_of() -> None:
    cache, queue = Cache(), WorkQueue[Key]()
    for name in ("same", "changed", "gone"):
        cache.put(CAKE_DEPLOYMENTS, stored(name, 1))
    fresh = [stored("same", 1), stored("changed", 5), stored("new", 6)]
    script = Script(ok({"metadata": {"resourceVersion": "7"}, "items": fresh}))
    async with client_of(script) as client:
        await relist(client, cache, None, queue)
    assert sorted(name for _, name in cache.names(CAKE_DEPLOYMENTS)) == ["changed", "new", "same"]
    found = set()
    while len(queue):
        async with queue.take() as (_, name):
            found.add(name)
    assert found == {"changed", "gone", "new"}


PERCENTILES: dict[str, tuple[Any, tuple[float, float]]] = {
    "none": (None, (90.0, 90.0)),
    "both": ({"ttft": {"percentile": 95}, "interTokenLatency": {"percentile": 50}}, (95.0, 50.0)),
    "one": ({"ttft": {"percentile": 99}}, (99.0, 90.0)),
    "text in place of an object": ("fast", (90.0, 90.0)),
    "a list in place of a target": ({"ttft": [1]}, (90.0, 90.0)),
    "text in place of a number": ({"ttft": {"percentile": "most"}}, (90.0, 90.0)),
}


class Eyes:
    """Notes what it is asked to measure."""

    def __init__(self) -> None:
        self.sampling = Sampling()
        self.watched: list[Watched] = []

    def observe(self, watched: list[Watched], now: Any) -> FleetSnapshot:
        self.watched = watched
        return FleetSnapshot(now)


@pytest.mark.parametrize("which", PERCENTILES)
async def test_one_unreadable_spec_does_not_end_the_look_at_all(which: str) -> None:
    slo, (ttft, inter_token) = PERCENTILES[which]
    cache, eyes = Cache(), Eyes()
    cache.put(CAKE_DEPLOYMENTS, stored("chat", 1, slo=slo))
    await look(eyes, _Holder(), cache)  # type: ignore[arg-type]  # what an Observer and a Reconciler are here
    assert eyes.watched == [Watched("team", "chat", ttft, inter_token)]


async def test_the_age_of_the_figures_counts_from_the_last_answer_of_prometheus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    eyes, moment = Eyes(), datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(eyes, "observe", lambda *_: FleetSnapshot(moment))
    await look(eyes, _Holder(), Cache())  # type: ignore[arg-type]
    monkeypatch.setattr(eyes, "observe", lambda *_: FleetSnapshot(moment + timedelta(hours=1), error="down"))
    await look(eyes, _Holder(), Cache())  # type: ignore[arg-type]
    assert REGISTRY.get_sample_value("cake_operator_observed_timestamp_seconds") == moment.timestamp()


class _Holder:
    fleet: FleetSnapshot


async def test_a_change_that_comes_in_the_middle_of_a_look_at_everything_does_not_wait_for_its_end() -> None:
    cache, queue = Cache(), WorkQueue[Key]()
    for number in range(50):
        cache.put(CAKE_DEPLOYMENTS, stored(f"m{number}", 1))
    order, looked = list[str](), asyncio.Event()

    async def act(key: Key) -> None:
        order.append(key[1])
        if len(order) == 10:
            queue.add(("team", "changed"))
        if len(order) == 51:
            looked.set()

    looks = resync(Eyes(), _Holder(), cache, queue, pulse=Pulse(60), interval=0.001)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(looks), asyncio.create_task(work(queue, act, 4))]
    async with asyncio.timeout(10):
        await looked.wait()
    for task in tasks:
        task.cancel()
    assert order.index("changed") < 20
