"""The wire between two real ends: what passes, and what does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.faults.events import Blow, Kill, Lose, Refuse, Watch
from tests.faults.wire import Wire, wire_to

DEPLOYMENT = "/apis/apps/v1/namespaces/n/deployments/subject-1"
PODS = "/api/v1/pods?watch=1"


class Server:
    """An API server that counts, and whose watch tells of one event and then of one for each `go`."""

    def __init__(self) -> None:
        self.writes = 0
        self.go = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.writes += request.method == "PATCH"
            return web.json_response({"got": (await request.read()).decode()})
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b'{"type":"ADDED"}\n')
            await self.go.wait()
            self.go.clear()


@asynccontextmanager
async def two_ends() -> AsyncIterator[tuple[Wire, Server, aiohttp.ClientSession]]:
    server, application = Server(), web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with (
            wire_to(f"http://127.0.0.1:{runner.addresses[0][1]}") as wire,
            aiohttp.ClientSession(wire.url) as near,
        ):
            yield wire, server, near
    finally:
        await runner.cleanup()


async def until_broken(answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """What else comes, and whether it breaks in its middle rather than ends."""
    left = b""
    try:
        while chunk := await answer.content.readany():
            left += chunk
    except aiohttp.ClientError:
        return left, True
    return left, False


async def test_without_a_fault_requests_and_answers_pass() -> None:
    async with two_ends() as (_, server, near):
        answer = await near.patch(DEPLOYMENT, data="x")
        assert (answer.status, await answer.json(), server.writes) == (200, {"got": "x"}, 1)


async def test_what_is_refused_does_not_reach_the_server() -> None:
    async with two_ends() as (wire, server, near):
        judge = wire.arm("subject-1", Refuse(1, 1, 429, 1))
        refused, passed = [await near.patch(DEPLOYMENT) for _ in range(2)]
        assert (refused.status, refused.headers["Retry-After"], (await refused.json())["code"]) == (429, "1", 429)
        assert (passed.status, server.writes, judge.struck) == (200, 1, 1)


async def test_of_a_lost_answer_the_server_has_done_what_was_asked() -> None:
    async with two_ends() as (wire, server, near):
        wire.arm("subject-1", Lose((1,)))
        with pytest.raises(aiohttp.ClientError):
            await near.patch(DEPLOYMENT)
        assert server.writes == 1


@pytest.mark.parametrize("carried_out", [True, False])
async def test_the_operator_dies_before_it_hears_of_its_write(carried_out: bool) -> None:
    killed = []
    async with two_ends() as (wire, server, near):
        wire.kill = lambda: killed.append(server.writes)
        wire.arm("subject-1", Kill(1, carried_out))
        with pytest.raises(aiohttp.ClientError):
            await near.patch(DEPLOYMENT)
        assert killed == [int(carried_out)]


@pytest.mark.parametrize(("blow", "rest"), [(Blow.CUT, b""), (Blow.CUT_IN_LINE, b'{"type":"MODIFIED"')])
async def test_a_watch_is_cut_between_events_or_within_one(blow: Blow, rest: bytes) -> None:
    async with two_ends() as (wire, _, near):
        watch = await near.get(PODS)
        assert await watch.content.readline() == b'{"type":"ADDED"}\n'
        await wire.strike(Watch(blow, frozenset({"pods"})))
        left, broken = await until_broken(watch)
        assert broken
        assert left[: len(rest) or None] == rest


async def test_a_watch_that_is_gone_is_refused_once_in_either_dress() -> None:
    async with two_ends() as (wire, _, near):
        await near.get(PODS)
        await wire.strike(Watch(Blow.GONE_STATUS, frozenset({"pods"})))
        assert (await near.get(PODS)).status == 410
        again = await near.get(PODS)
        assert again.status == 200
        await wire.strike(Watch(Blow.GONE_EVENT, frozenset({"pods"})))
        told = json.loads(await (await near.get(PODS)).content.readline())
        assert (told["type"], told["object"]["code"]) == ("ERROR", 410)


async def test_a_silent_watch_stays_open_and_the_next_one_tells_again() -> None:
    async with two_ends() as (wire, server, near):
        watch = await near.get(PODS)
        await watch.content.readline()
        await wire.strike(Watch(Blow.SILENT, frozenset({"pods"})))
        server.go.set()
        again = await near.get(PODS)  # by when this answers, the event above has gone by
        assert await again.content.readline() == b'{"type":"ADDED"}\n'
        assert not watch.content.at_eof()
        assert watch.content.read_nowait() == b""


async def test_in_an_outage_every_connection_breaks_and_each_new_one() -> None:
    async with two_ends() as (wire, _, near):
        watch = await near.get(PODS)
        await watch.content.readline()
        outage = asyncio.create_task(wire.outage(3600.0))
        with pytest.raises(aiohttp.ClientError):
            await watch.content.readline()
        with pytest.raises(aiohttp.ClientError):
            await near.patch(DEPLOYMENT)
        outage.cancel()
