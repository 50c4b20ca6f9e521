"""What stands between an operator and its Prometheus: passes on what that says, or something that is wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.faults.events import Telling

SLOW_SECONDS = 12.0
"""Longer than the operator waits for all its queries together."""
OLD_SECONDS = 600.0
AGE_QUERY = "time() - "
"""With this begins the query for the age of samples."""

Owner = tuple[str, str]


class Teller:
    """What an operator takes for its Prometheus.

    Attributes:
        url: Its address.
    """

    def __init__(self, session: aiohttp.ClientSession, target: str) -> None:
        self.url = ""
        self.struck = 0
        self._session = session
        self._target = target
        self._wrong: dict[Owner, Telling] = {}

    def begin(self, owner: Owner, telling: Telling) -> None:
        """Have something be wrong: with all it tells, or with what it tells of one CakeDeployment."""
        self._wrong[owner] = telling

    def end(self, owner: Owner) -> None:
        """Let it be right again, as far as that one is concerned."""
        self._wrong.pop(owner, None)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        everywhere = set(self._wrong.values())
        if Telling.UNREACHABLE in everywhere:
            return self._broken(request)
        if Telling.SLOW in everywhere:
            self.struck += 1
            await asyncio.sleep(SLOW_SECONDS)
        if Telling.ERROR in everywhere:
            self.struck += 1
            return web.Response(status=500, text="on purpose")
        if Telling.WRONG_TYPE in everywhere:
            self.struck += 1
            result = {"resultType": "string", "result": [0, "on purpose"]}
            return web.json_response({"status": "success", "data": result})
        async with self._session.request(
            request.method, self._target + request.path_qs, data=await request.read()
        ) as answer:
            body = await answer.read()
            if answer.status == 200 and self._wrong:
                told = json.loads(body)
                self.struck += distort(told, request.query.get("query", ""), self._wrong)
                body = json.dumps(told).encode()
            return web.Response(status=answer.status, body=body, content_type="application/json")

    def _broken(self, request: web.Request) -> web.Response:
        self.struck += 1
        if request.transport is not None:
            request.transport.close()
        return web.Response()


def distort(told: dict[str, Any], query: str, wrong: Mapping[Owner, Telling]) -> int:
    """Change an answer in place where it is about a subject of which something wrong is told; gives how often."""
    kept, struck = [], 0
    for sample in told["data"]["result"]:
        labels = sample["metric"]
        telling = wrong.get((labels.get("namespace", ""), labels.get("cake_dev_deployment", "")))
        if telling is Telling.EMPTY:
            struck += 1
            continue
        if telling is Telling.NAN and not query.startswith(AGE_QUERY):
            struck += 1
            sample["value"][1] = "NaN"
        if telling is Telling.STALE and query.startswith(AGE_QUERY):
            struck += 1
            sample["value"][1] = str(float(sample["value"][1]) + OLD_SECONDS)
        kept.append(sample)
    told["data"]["result"] = kept
    return struck


@asynccontextmanager
async def teller(target: str) -> AsyncIterator[Teller]:
    """One on a free port, in front of the Prometheus at a URL."""
    async with aiohttp.ClientSession() as session:
        made = Teller(session, target)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", made.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield made
        finally:
            await runner.cleanup()
