"""What a person does with kubectl, without a process for each step: hundreds of runs look and write often."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CHILDREN, PODS, PROMETHEUS_RULES, Kind
from cake_operator.render.naming import DEPLOYMENT_LABEL
from tests.localcluster.local import LocalCluster

Object = dict[str, Any]

SEEN = tuple(kind for kind in (*CHILDREN, PODS) if kind is not PROMETHEUS_RULES)
"""What is looked at of a subject; this cluster has no PrometheusRules."""
NAMESPACES = Kind("v1", "Namespace", "namespaces")
QUOTAS = Kind("v1", "ResourceQuota", "resourcequotas")

PATIENCE_SECONDS = 120.0
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


class RefusedError(Exception):
    """The API server refused what the administrator asked."""


class NotNowError(Exception):
    """The API server cannot answer at the moment."""


class Administrator:
    """Whoever may do everything, by a way of their own: no fault of the operator's wire is theirs."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str, selector: str = "") -> Any | None:
        """What is at a path; None where there is nothing."""
        return await self._ask("GET", path, {"labelSelector": selector} if selector else {})

    async def of(self, namespace: str, name: str) -> dict[str, list[Object]]:
        """The children and pods of a CakeDeployment, by plural."""
        found = {}
        for kind in SEEN:
            listed = await self.get(kind.path(namespace), f"{DEPLOYMENT_LABEL}={name}")
            found[kind.plural] = [] if listed is None else listed["items"]
        return found

    async def apply(self, path: str, obj: Object) -> Object:
        """Server-side apply as a user, who has the last word."""
        params = {"fieldManager": "user", "force": "true"}
        return dict(await self._ask("PATCH", path, params, obj, APPLY) or {})

    async def patch(self, path: str, patch: Any) -> None:
        """Edit what is there; what is not there any more is let be."""
        await self._ask("PATCH", path, {}, patch, MERGE)

    async def delete(self, path: str) -> None:
        """Delete what is there."""
        await self._ask("DELETE", path, {"propagationPolicy": "Background"})

    async def make_namespace(self, name: str) -> None:
        """A namespace, with the account that pods are made for."""
        await self.apply(
            NAMESPACES.path(None, name), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )

    async def watch(self, kind: Kind, namespace: str | None) -> AsyncIterator[tuple[str, Object]]:
        """What happens to the objects of a kind from now on, until the API server ends it."""
        params = {"watch": "1"}
        async with self._session.get(self._url + kind.path(namespace), params=params) as answer:
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for event in map(json.loads, filter(None, lines)):
                    yield event["type"], event["object"]

    async def _ask(
        self, method: str, path: str, params: dict[str, str], body: Any = None, content_type: str = "application/json"
    ) -> Any | None:
        """Ask until there is an answer: while etcd restarts there is none."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self._ask_once(method, path, params, body, content_type)
            except (NotNowError, aiohttp.ClientError) as error:
                if time.monotonic() > end:
                    raise RefusedError(f"{method} {path}: {error}") from error
            await asyncio.sleep(0.2)

    async def _ask_once(
        self, method: str, path: str, params: dict[str, str], body: Any, content_type: str
    ) -> Any | None:
        data, headers = (None, {}) if body is None else (json.dumps(body), {"Content-Type": content_type})
        url = self._url + path
        async with self._session.request(method, url, params=params, data=data, headers=headers) as answer:
            text = await answer.text()
            if answer.status == 404:
                return None
            if answer.status == 429 or answer.status >= 500:
                raise NotNowError(text[:300])
            if answer.status >= 400:
                raise RefusedError(f"{method} {path}: {answer.status} {text[:300]}")
            return json.loads(text)


def cake_path(namespace: str, name: str) -> str:
    """Where a CakeDeployment is."""
    return CAKE_DEPLOYMENTS.path(namespace, name)


@asynccontextmanager
async def administrator(cluster: LocalCluster) -> AsyncIterator[Administrator]:
    """The administrator of a cluster."""
    pki = cluster.run.folder / "pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=600)
    connector = aiohttp.TCPConnector(limit=64, ssl=context)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Administrator(session, cluster.run.url)
