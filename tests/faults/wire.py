"""The wire between an operator and its API server: an HTTP proxy, with the cluster's own TLS, that strikes as told."""

import asyncio
import json
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from tests.faults.events import Blow, Event, Watch
from tests.faults.until import until
from tests.faults.verdicts import Judge, Verdict, subject_of, watched_plural
from tests.localcluster.local import LocalCluster

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Expired",
    "code": 410,
    "message": "too old resource version",
}
REASONS = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError"}


class Stream:
    """One watch that goes through the wire."""

    def __init__(self, plural: str, request: web.Request, response: web.StreamResponse) -> None:
        self.plural = plural
        self.silent = False
        self._request = request
        self._response = response

    async def cut(self, *, in_line: bool) -> None:
        """Break it."""
        if in_line:
            with suppress(ConnectionError):  # it is being cut already
                await self._response.write(b'{"type":"MODIFIED","object":{"metadata":{"na')
        if self._request.transport is not None:
            self._request.transport.close()


class Wire:
    """What an operator takes for its API server.

    Attributes:
        url: Its address.
        kill: Kills the operator.
    """

    def __init__(self, session: aiohttp.ClientSession, target: str) -> None:
        self.url = ""
        self.kill: Callable[[], None] = lambda: None
        self._session = session
        self._target = target
        self._judges: dict[str, Judge] = {}
        self._streams: set[Stream] = set()
        self._gone: dict[str, Blow] = {}
        self._outages = 0
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    def arm(self, subject: str, event: Event | None) -> Judge:
        """From now on judge the requests of a subject."""
        self._judges[subject] = Judge(event)
        return self._judges[subject]

    def disarm(self, subject: str) -> None:
        """Let the requests of a subject pass."""
        self._judges.pop(subject, None)

    async def strike(self, watch: Watch) -> int:
        """Strike the watches of some kinds, each as soon as it is there; gives how many."""
        for plural in watch.plurals:
            stream = await self._stream(plural)
            if watch.blow is Blow.SILENT:
                stream.silent = True
                continue
            if watch.blow in (Blow.GONE_STATUS, Blow.GONE_EVENT):
                self._gone[plural] = watch.blow
            await stream.cut(in_line=watch.blow is Blow.CUT_IN_LINE)
        return len(watch.plurals)

    async def _stream(self, plural: str) -> Stream:
        found: list[Stream] = []

        async def there() -> bool:
            found[:] = [stream for stream in self._streams if stream.plural == plural]
            return bool(found)

        await until(there, f"there is a watch of {plural}")
        return found[0]

    async def outage(self, seconds: float) -> int:
        """Break every connection, and each new one, for a while; gives how many were broken at once."""
        self._outages += 1
        broken = list(self._transports)
        for transport in broken:
            transport.abort()
        await asyncio.sleep(seconds)
        self._outages -= 1
        return len(broken)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        transport = request.transport
        if not isinstance(transport, asyncio.Transport) or self._outages:
            return _broken(request)
        self._transports.add(transport)
        try:
            return await self._handle(request)
        except aiohttp.ClientError:  # the API server's own doing
            return _broken(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") in ("1", "true"):
            return await self._watch(request)
        judge = self._judges.get(subject_of(request.path) or "")
        verdict = Verdict() if judge is None else judge.of(request.method, request.path)
        return await self._answer(request, verdict)

    async def _answer(self, request: web.Request, verdict: Verdict) -> web.StreamResponse:
        if not verdict.carried_out and not verdict.kills:
            return _refusal(verdict)
        answer = await self._pass_on(request) if verdict.carried_out else web.Response()
        await asyncio.sleep(verdict.late)
        if verdict.kills:
            self.kill()
        return _broken(request) if verdict.lost else answer

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._ask(request, body) as answer:
            return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer.headers))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        plural = watched_plural(request.path)
        blow = self._gone.pop(plural, None)
        if blow is Blow.GONE_STATUS:
            return web.json_response(GONE, status=410)
        if blow is Blow.GONE_EVENT:
            return web.Response(text=json.dumps({"type": "ERROR", "object": GONE}) + "\n")
        async with self._ask(request, None) as answer:
            if answer.status != 200:
                return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer.headers))
            response = web.StreamResponse(headers=_kept(answer.headers))
            await response.prepare(request)
            stream = Stream(plural, request, response)
            self._streams.add(stream)
            try:
                async for chunk in answer.content.iter_any():
                    if not stream.silent:
                        await response.write(chunk)
                if stream.silent:
                    await asyncio.Event().wait()  # until the operator gives it up
            finally:
                self._streams.discard(stream)
        return response

    def _ask(self, request: web.Request, body: bytes | None) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url = URL(self._target + request.raw_path, encoded=True)
        return self._session.request(request.method, url, data=body or None, headers=_kept(request.headers))


def _broken(request: web.Request) -> web.Response:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response()


def _refusal(verdict: Verdict) -> web.Response:
    status = verdict.status or 500
    headers = {} if verdict.retry_after is None else {"Retry-After": str(verdict.retry_after)}
    said = {"kind": "Status", "status": "Failure", "reason": REASONS[status], "code": status, "message": "on purpose"}
    return web.json_response(said, status=status, headers=headers)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() not in HOP_BY_HOP}


@asynccontextmanager
async def wire(cluster: LocalCluster) -> AsyncIterator[Wire]:
    """A wire to a cluster's API server, with the certificate of that server, on a free port."""
    pki = cluster.run.folder / "pki"
    near = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    near.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    far = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    async with wire_to(cluster.run.url, near=near, far=far) as made:
        yield made


@asynccontextmanager
async def wire_to(
    target: str, *, near: ssl.SSLContext | None = None, far: ssl.SSLContext | None = None
) -> AsyncIterator[Wire]:
    """A wire to any server.

    Args:
        target: Its URL.
        near: What the wire serves with; None for plain HTTP.
        far: What it trusts; None where `target` is plain HTTP.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    connector = aiohttp.TCPConnector(limit=0, ssl=far or False)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        made = Wire(session, target)
        application = web.Application(client_max_size=1 << 24)
        application.router.add_route("*", "/{path:.*}", made.handle)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=near).start()
            made.url = f"{'http' if near is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
            yield made
        finally:
            await runner.cleanup()


def kubeconfig(cluster: LocalCluster, server: str, token: str, target: Path) -> Path:
    """A kubeconfig for the account with that token, at that address in place of the API server's."""
    config = json.loads(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = server
    config["users"][0]["user"] = {"token": token}
    target.write_text(json.dumps(config))
    return target
