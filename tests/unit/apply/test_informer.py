import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from cake_operator.apply import client as client_module
from cake_operator.apply import informer as module
from cake_operator.apply.cache import Cache
from cake_operator.apply.informer import HistoryLostError, Informer
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import SERVICES
from tests.unit.apply.api_server import Answer, Script, broken, client_of, ok, refusal, stream


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(client_module, "_delay", lambda attempt, retry_after: 0.0)


def service(name: str, version: int) -> dict[str, Any]:
    labels = {"cake.dev/deployment": name}
    return {
        "metadata": {"namespace": "team", "name": name, "resourceVersion": str(version), "uid": name, "labels": labels}
    }


def listed(version: int, *objects: dict[str, Any]) -> Answer:
    return ok({"metadata": {"resourceVersion": str(version)}, "items": list(objects)})


def event(kind: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


QUIET = stream(silent=True)


@contextlib.asynccontextmanager
async def informed(script: Script) -> AsyncIterator[tuple[Cache, asyncio.Queue[str]]]:
    """A cache that an informer keeps true, and the names that it told of."""
    cache, names = Cache(), asyncio.Queue[str]()
    async with client_of(script) as client:
        informer = Informer(
            client,
            cache,
            SERVICES,
            namespace=None,
            selector="",
            keep=keeper(SERVICES),
            notify=lambda obj: names.put_nowait(obj["metadata"]["name"]),
            notify_of_status=lambda obj: names.put_nowait(f"status of {obj['metadata']['name']}"),
        )
        task = asyncio.create_task(informer.run())
        try:
            async with asyncio.timeout(10):
                await informer.synced.wait()
                yield cache, names
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_what_is_there_is_known_and_then_what_happens() -> None:
    moments = (event("ADDED", service("b", 3)), event("DELETED", service("a", 4)), event("MODIFIED", service("b", 5)))
    async with informed(Script(listed(2, service("a", 1)), stream(*moments, silent=True))) as (cache, names):
        assert [await names.get() for _ in range(4)] == ["a", "b", "a", "b"]
        assert cache.names(SERVICES) == [("team", "b")]


async def test_what_a_watch_tells_of_our_own_writes_is_no_news() -> None:
    seen = asyncio.Event()

    async def after_our_write(request: web.Request) -> web.StreamResponse:
        await seen.wait()
        return await stream(event("MODIFIED", service("a", 5)), event("MODIFIED", service("a", 6)), silent=True)(
            request
        )

    async with informed(Script(listed(2, service("a", 1)), after_our_write)) as (cache, names):
        assert await names.get() == "a"
        cache.put(SERVICES, service("a", 5))
        seen.set()
        assert await names.get() == "a"
        found = cache.get(SERVICES, "team", "a")
        assert found is not None
        assert found["metadata"]["resourceVersion"] == "6", "it was told of that one, and of none before"


def counted(generation: int, version: int, **labels: str) -> dict[str, Any]:
    """One of which the API server counts the changes of the spec."""
    obj = service("a", version)
    return {**obj, "metadata": {**obj["metadata"], "generation": generation, "labels": labels}}


async def test_a_change_of_no_more_than_the_status_is_told_as_such() -> None:
    changes = [counted(1, 3), counted(2, 4), counted(2, 5), counted(2, 6, team="x")]
    moments = [*(event("MODIFIED", one) for one in changes), event("DELETED", counted(2, 7))]
    async with informed(Script(listed(2, counted(1, 1)), stream(*moments, silent=True))) as (_, names):
        told = [await names.get() for _ in range(6)]
    assert told == ["a", "status of a", "a", "status of a", "a", "a"]


INTERRUPTIONS: dict[str, tuple[Answer, bool]] = {
    "the server ends it": (stream(event("BOOKMARK", service("", 9))), False),
    "the line breaks": (broken(), False),
    "the version is too old, said at once": (refusal(410, "Expired"), True),
    "the version is too old, said later": (stream(event("ERROR", {"code": 410, "reason": "Expired"})), True),
    "the server fails": (refusal(500, "InternalError"), True),
    "the credentials are refused": (refusal(401, "Unauthorized"), False),
}


@pytest.mark.parametrize("which", INTERRUPTIONS)
async def test_a_watch_goes_on_after(which: str) -> None:
    interruption, lists_again = INTERRUPTIONS[which]
    after = [listed(20, service("a", 1), service("new", 15))] if lists_again else []
    script = Script(
        listed(2, service("a", 1)), interruption, *after, stream(event("ADDED", service("b", 30)), silent=True)
    )
    async with informed(script) as (_, names):
        told = {await names.get() for _ in range(3 if lists_again else 2)}
    assert told == {"a", "b"} | ({"new"} if lists_again else set())
    watched_from = [query["resourceVersion"] for _, query in script.requests if "watch" in query]
    assert watched_from[-1] == ("20" if lists_again else "9" if "ends" in which else "2")


async def test_what_went_while_nobody_watched_is_told_of() -> None:
    script = Script(listed(2, service("a", 1)), refusal(410, "Expired"), listed(20), QUIET)
    async with informed(script) as (cache, names):
        assert [await names.get(), await names.get()] == ["a", "a"]
        assert cache.names(SERVICES) == []


async def test_a_cluster_that_went_back_in_time_is_not_served_from_memory() -> None:
    script = Script(listed(20, service("a", 15)), refusal(410, "Expired"), listed(9, service("a", 7)))
    async with client_of(script) as client, asyncio.timeout(10):
        informer = Informer(
            client, Cache(), SERVICES, namespace=None, selector="", keep=keeper(SERVICES), notify=lambda _: None
        )
        with pytest.raises(HistoryLostError, match="services: the API server is at version 9, was at 20"):
            await informer.run()


async def test_a_server_that_fails_for_long_is_asked_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    really_sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await really_sleep(0)

    monkeypatch.setattr(module.asyncio, "sleep", note)
    refusals = [refusal(403, "Forbidden")] * 15
    async with informed(Script(*refusals, listed(2), QUIET)):
        pass
    assert waits[:3] == [0.01, 0.02, 0.04]
    assert waits[14] == module.LAST_BACKOFF_SECONDS
