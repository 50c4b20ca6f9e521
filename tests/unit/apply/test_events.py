import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf
from aiohttp import web
from aiohttp.test_utils import TestServer

from cake_operator.apply.client import Client
from cake_operator.apply.events import BURST, REFILL, Recorder
from cake_operator.status.happenings import Happening

NOW = datetime(2026, 1, 1, tzinfo=UTC)
META = {"namespace": "team", "name": "chat", "uid": "u", "resourceVersion": "1"}
CHAT = {"apiVersion": "cake.dev/v1alpha1", "kind": "CakeDeployment", "metadata": META}
SCALED = Happening("Scaled", "from 1 to 2 replicas: because")


@asynccontextmanager
async def recording(status: int = 200) -> AsyncIterator[tuple[Recorder, list[dict[str, Any]]]]:
    posted = []

    async def answer(request: web.Request) -> web.Response:
        posted.append(json.loads(await request.text()))
        return web.json_response({"message": "no"}, status=status)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        login = kopf.ConnectionInfo(server=str(server.make_url("")))
        async with Client(lambda: login) as client:
            yield Recorder(client), posted


async def test_the_same_again_is_counted_not_doubled() -> None:
    async with recording() as (recorder, posted):
        for seconds in (0, 60):
            await recorder.post(CHAT, [SCALED], NOW + timedelta(seconds=seconds))
    assert [event["count"] for event in posted] == [1, 2]
    assert len({event["metadata"]["name"] for event in posted}) == 1
    assert {event["firstTimestamp"] for event in posted} == {"2026-01-01T00:00:00Z"}
    assert posted[1]["lastTimestamp"] == "2026-01-01T00:01:00Z"


async def test_another_sentence_or_another_resource_of_the_name_is_another_event() -> None:
    another = {**CHAT, "metadata": {**META, "uid": "v"}}
    async with recording() as (recorder, posted):
        await recorder.post(CHAT, [SCALED, Happening("Scaled", "from 2 to 1 replicas: because")], NOW)
        await recorder.post(another, [SCALED], NOW)
    assert len({event["metadata"]["name"] for event in posted}) == 3
    assert {event["count"] for event in posted} == {1}


async def test_of_one_that_never_rests_only_so_many_are_told() -> None:
    noise = [Happening("Scaled", f"number {n}") for n in range(2 * BURST)]
    async with recording() as (recorder, posted):
        await recorder.post(CHAT, noise, NOW)
        assert len(posted) == BURST
        await recorder.post({**CHAT, "metadata": {**META, "uid": "quiet"}}, [SCALED], NOW)
        assert len(posted) == BURST + 1, "another one has a budget of its own"
        await recorder.post(CHAT, noise, NOW + 2 * REFILL)
        assert len(posted) == BURST + 3


async def test_an_event_that_is_refused_holds_up_nothing() -> None:
    async with recording(status=403) as (recorder, posted):
        await recorder.post(CHAT, [SCALED, SCALED], NOW)
    assert len(posted) == 2


async def test_a_long_sentence_is_cut_to_what_an_event_may_hold() -> None:
    async with recording() as (recorder, posted):
        await recorder.post(CHAT, [Happening("ApplyRefused", "x" * 5000, warning=True)], NOW)
    assert (len(posted[0]["message"]), posted[0]["type"]) == (1000, "Warning")
