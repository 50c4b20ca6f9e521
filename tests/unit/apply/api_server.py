"""A small HTTP server that answers as an API server in trouble does: faults that a real one does not make on demand."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import kopf
from aiohttp import web
from aiohttp.test_utils import TestServer

from cake_operator.apply.client import Client

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Script:
    """The answers in order; the last one is given for ever.

    Attributes:
        requests: What was asked: (method, query).
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers = deque(answers)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.tokens: list[str] = []
        self.agents: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Give the next answer."""
        self.requests.append((request.method, dict(request.query)))
        self.tokens.append(request.headers.get("Authorization", ""))
        self.agents.append(request.headers.get("User-Agent", ""))
        await request.read()
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        return await answer(request)


@asynccontextmanager
async def client_of(script: Script, **options: Any) -> AsyncIterator[Client]:
    """A client, with these options, of a server that follows the script; each login brings another token."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", script.answer)
    logins = iter(range(1, 100))
    async with TestServer(application) as server:
        url = str(server.make_url("")).rstrip("/")
        async with Client(lambda: kopf.ConnectionInfo(server=url, token=f"token-{next(logins)}"), **options) as client:
            yield client


def ok(obj: Any) -> Answer:
    """An object."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(obj)

    return answer


def refusal(status: int, reason: str = "", message: str = "", **headers: str) -> Answer:
    """A Status object."""

    async def answer(_: web.Request) -> web.Response:
        body = {"kind": "Status", "code": status, "reason": reason, "message": message}
        return web.json_response(body, status=status, headers=headers)

    return answer


def broken() -> Answer:
    """The connection closed in the middle."""

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return answer


def stream(*lines: bytes, silent: bool = False) -> Answer:
    """A watch with these bytes, then its end, or silence."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        if silent:
            await asyncio.sleep(3600)  # the server ends it with the connection
        return response

    return answer
