"""A thin client of the Kubernetes API: JSON over aiohttp, with bounded retries. kopf logs in, we send.

Every request made here may be repeated after a fault that leaves open whether it was carried out: reads, server-side
apply and delete come to the same; a second create or replace is refused as a conflict.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import kopf
import orjson

from cake_operator import instruments
from cake_operator.apply.errors import ApiError, raise_for
from cake_operator.apply.kinds import Kind

__all__ = ["FIELD_MANAGER", "Client", "Object", "Patience"]

Object = dict[str, Any]

FIELD_MANAGER = "cake-operator"
CONNECT_TIMEOUT_SECONDS = 10.0
JSON = "application/json"
# It says YAML because no JSON one is defined for apply patches; JSON is YAML.
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
TRANSIENT = frozenset({429, 500, 502, 503, 504})
PAGE = 500
# The API server sends a bookmark about once a minute: a watch that is silent for longer has been cut unnoticed.
SILENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Patience:
    """How long an answer is waited for.

    Attributes:
        attempts: How often a request is sent before it is given up; two at least, for credentials that have expired.
        timeout_seconds: For each of them.
    """

    attempts: int = 4
    timeout_seconds: float = 10.0


class Client:
    """Requests to one API server.

    Args:
        login: Reads the credentials; called at the start and again when the server no longer accepts them
            (service account tokens are replaced about hourly).
        guard: Called before each write is sent; raises where this process may not write.
        patience: How long an answer is waited for.
        agent: What it calls itself to the server, as the manager of fields too.
    """

    def __init__(
        self,
        login: Callable[[], kopf.ConnectionInfo],
        *,
        guard: Callable[[], None] = lambda: None,
        patience: Patience = Patience(),
        agent: str = FIELD_MANAGER,
    ) -> None:
        self._login = login
        self._guard = guard
        self._patience = patience
        self._agent = agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def offers(self, kind: Kind) -> bool:
        """Whether the API server tells of a kind of a named group, as those ask who do not know it beforehand."""
        group, _, version = kind.api_version.partition("/")
        groups = await self._request("GET", "/apis")
        if all(one["name"] != group for one in groups["groups"]):
            return False
        resources = await self._request("GET", f"/apis/{group}/{version}")
        return any(one["name"] == kind.plural for one in resources["resources"])

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """One object, or None where there is none."""
        try:
            return await self._request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list(self, kind: Kind, namespace: str | None, selector: str = "") -> tuple[list[Object], str]:
        """All objects of a kind and the resource version to watch from; `selector` is a label selector."""
        items: list[Object] = []
        params = {"limit": str(PAGE), **({"labelSelector": selector} if selector else {})}
        while True:
            page = await self._request("GET", kind.path(namespace), params=params)
            items.extend(page.get("items") or ())
            meta = page["metadata"]
            if not meta.get("continue"):
                return items, str(meta["resourceVersion"])
            params["continue"] = meta["continue"]

    async def watch(
        self, kind: Kind, namespace: str | None, version: str, selector: str = ""
    ) -> AsyncIterator[tuple[str, Object]]:
        """Events after resource version `version`, as (type, object), bookmarks among them.

        Ends when the server ends the watch or is silent for longer than it should be; watch again from the last
        version seen.

        Raises:
            ApiError: The server refused or gave up; status 410 when the version is too old, and a list is needed.
        """
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(random.randint(240, 300)),  # noqa: S311 (spreads reconnects, guards nothing)
            **({"labelSelector": selector} if selector else {}),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            session = self._opened
            async with _sending(session, "GET", kind.path(namespace), params, timeout=timeout) as response:
                instruments.API_REQUESTS.labels("watch", str(response.status)).inc()
                if response.status == 401:
                    await self._renew(session)
                await raise_for(response)
                async for line in _lines(response.content):
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError.of(event["object"])
                    yield event["type"], event["object"]
        except aiohttp.SocketTimeoutError:
            return  # silent for too long; that it could not even be opened is an error like others
        except aiohttp.ClientError as error:
            raise ApiError(0, "Unreachable", f"the watch of {kind.plural} broke: {error}") from error

    async def apply(self, kind: Kind, obj: Object, *, force: bool, subresource: str | None = None) -> Object:
        """Server-side apply of `obj`; gives the object as it is then.

        Raises:
            ApiError: 409 where `force` is not set and another manager owns a field with another value; 422 where a
                field cannot be as asked.
        """
        meta = obj["metadata"]
        params = {"fieldManager": self._agent, "force": "true" if force else "false"}
        path = kind.path(meta["namespace"], meta["name"], subresource)
        return await self._request("PATCH", path, params=params, body=obj, content_type=APPLY)

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Object) -> Object:
        """Merge patch, for what is there and nobody applied: a field that is null goes. Gives the object as it is then.

        Raises:
            ApiError: 404 where there is no such object.
        """
        params = {"fieldManager": self._agent}
        path = kind.path(namespace, name)
        return await self._request("PATCH", path, params=params, body=patch, content_type=MERGE)

    async def create(self, kind: Kind, obj: Object) -> Object:
        """Make an object that is not there.

        Raises:
            ApiError: 409 where it is.
        """
        return await self._request("POST", kind.path(obj["metadata"]["namespace"]), body=obj)

    async def replace(self, kind: Kind, obj: Object) -> Object:
        """Write an object that was read, if nobody has written it since.

        Raises:
            ApiError: 409 where somebody has.
        """
        meta = obj["metadata"]
        return await self._request("PUT", kind.path(meta["namespace"], meta["name"]), body=obj)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Object | None:
        """Delete the object of that name if it is still the one with `uid`; none there is fine.

        Returns:
            The object where it stays for a while, as for its finalizers; None where it is gone.

        Raises:
            ApiError: 409 where another one has the name by now, or the server cannot say.
        """
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            answer = await self._request("DELETE", kind.path(namespace, name), body=body)
        except ApiError as error:
            if error.status != 404:
                raise
            return None
        return answer if (answer.get("metadata") or {}).get("deletionTimestamp") else None

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Object | None = None,
        content_type: str = JSON,
    ) -> Object:
        attempts, seconds = self._patience.attempts, self._patience.timeout_seconds
        timeout = aiohttp.ClientTimeout(total=seconds)
        for attempt in range(1, attempts + 1):
            if method != "GET":
                self._guard()
            session = self._opened
            try:
                sending = _sending(session, method, path, params, body=body, content_type=content_type, timeout=timeout)
                async with sending as response:
                    instruments.API_REQUESTS.labels(method.lower(), str(response.status)).inc()
                    if response.status == 401 and attempt == 1:
                        await self._renew(session)
                        continue
                    if response.status in TRANSIENT and attempt < attempts:
                        await asyncio.sleep(min(_delay(attempt, response.headers.get("Retry-After")), seconds))
                        continue
                    await raise_for(response)
                    return orjson.loads(await response.read())  # type: ignore[no-any-return]  # the API answers with objects
            except (aiohttp.ClientError, TimeoutError) as error:
                instruments.API_REQUESTS.labels(method.lower(), "none").inc()
                if attempt == attempts:
                    what = str(error) or type(error).__name__
                    raise ApiError(
                        0, "Unreachable", f"the API server did not answer {method} {path}: {what}"
                    ) from error
                await asyncio.sleep(_delay(attempt, None))
        raise AssertionError("the last attempt returns or raises")

    @property
    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "enter the client before use"  # noqa: S101 (a bug of the caller)
        return self._session

    def _open(self) -> None:
        info = self._login()
        self._session = aiohttp.ClientSession(
            info.server.rstrip("/") + "/",
            # Watches hold their connections for good; writes are bounded by the number of workers.
            connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
            headers={**info.as_http_headers(), "Accept": "application/json", "User-Agent": self._agent},
            proxy=info.proxy_url,
            trust_env=info.trust_env,
        )

    async def _renew(self, refused: aiohttp.ClientSession) -> None:
        """Log in anew, once for all requests whose credentials were refused together."""
        if self._session is refused:
            self._open()
            await refused.close()


def _sending(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    params: dict[str, str] | None,
    *,
    body: Object | None = None,
    content_type: str = JSON,
    timeout: aiohttp.ClientTimeout,
) -> Any:
    return session.request(
        method,
        path.lstrip("/"),
        params=params,
        data=None if body is None else orjson.dumps(body),
        headers=None if body is None else {"Content-Type": content_type},
        timeout=timeout,
    )


def _delay(attempt: int, retry_after: str | None) -> float:
    """Seconds until the next attempt: what the server asked for, else doubling from 0.2, with jitter."""
    if retry_after and retry_after.isdigit():
        return float(retry_after)
    return 0.2 * 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 (spreads load, guards nothing)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; the reader's own `readline` refuses long ones, and objects may be long."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
