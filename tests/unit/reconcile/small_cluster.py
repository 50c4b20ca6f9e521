"""An API server's storage in miniature, over HTTP: keeps what is applied, merges status, and counts the writes."""

import contextlib
import copy
import itertools
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import kopf
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from cake_operator.apply.cache import Cache, Key, key_of
from cake_operator.apply.client import FIELD_MANAGER, Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CHILDREN, PODS, SECRETS, Kind
from cake_operator.policy.laws import Laws
from cake_operator.reconcile import Reconciler
from cake_operator.render.settings import RenderSettings
from tests.unit.policy.figures import START

Object = dict[str, Any]
KEY = ("team", "chat")
KINDS = {kind.plural: kind for kind in (*CHILDREN, PODS, CAKE_DEPLOYMENTS, SECRETS)}


class SmallCluster:
    """One operator's reconciler, its cache, and a server that has what it writes; time passes when it is told to.

    Attributes:
        objects: What the server has, by kind and place.
        writes: What was written, by method and path.
        refuses: The plural of a kind of which every write is refused.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[Kind, str, str], Object] = {}
        self.writes: list[tuple[str, str]] = []
        self.refuses = ""
        self.cache = Cache()
        self.now = START
        self.reconciler: Reconciler
        self._versions = itertools.count(1)

    def put(self, kind: Kind, obj: Object) -> None:
        """Somebody writes an object, and a watch tells of it."""
        place = (kind, *key_of(obj))
        before = self.objects.get(place)
        meta = {**obj["metadata"], "resourceVersion": str(next(self._versions))}
        meta["uid"] = (before or {"metadata": {"uid": f"uid-{meta['resourceVersion']}"}})["metadata"]["uid"]
        generation = (before or {"metadata": {}})["metadata"].get("generation", 0)
        same = before is not None and before.get("spec") == obj.get("spec")
        meta["generation"] = generation if same else generation + 1
        kept = {"apiVersion": kind.api_version, "kind": kind.name, **copy.deepcopy(obj), "metadata": meta}
        self.objects[place] = kept
        self.cache.put(kind, keeper(kind)(copy.deepcopy(kept)))

    def take(self, kind: Kind, namespace: str, name: str) -> None:
        """Somebody deletes an object, and a watch tells of it."""
        gone = self.objects.pop((kind, namespace, name), None)
        if gone is not None:
            self.cache.drop(kind, gone)

    async def look(self, key: Key = KEY) -> None:
        """One reconcile, as the queue has it made."""
        with contextlib.suppress(ApiError):  # it would be tried again later
            await self.reconciler.reconcile(key)

    def pass_time(self, seconds: float) -> None:
        """The clock goes on."""
        self.now += timedelta(seconds=seconds)

    async def answer(self, request: web.Request) -> web.Response:
        """What the server says to one request."""
        path = request.path.split("/namespaces/")[1].split("/")
        namespace, plural, *rest = path
        if plural == "events":
            return web.json_response({})
        kind = KINDS[plural]
        if request.method == "GET":
            found = self.objects.get((kind, namespace, rest[0]))
            return web.json_response(found or {}, status=200 if found else 404)
        self.writes.append((request.method, request.path))
        if plural == self.refuses:
            return web.json_response({"message": "not you", "reason": "Forbidden"}, status=403)
        if request.method == "DELETE":
            self.objects.pop((kind, namespace, rest[0]), None)
            return web.json_response({})
        body = orjson.loads(await request.read())
        name = body["metadata"]["name"]
        before = self.objects.get((kind, namespace, name))
        if rest[1:] == ["status"]:
            if before is None:
                return web.json_response({"message": "gone"}, status=404)
            body = {**before, "status": body["status"]}
        elif before is not None and "status" in before:
            body["status"] = before["status"]
        owners = [{"manager": FIELD_MANAGER, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
        if kind.name == "Deployment" and "replicas" in body["spec"]:
            body["metadata"]["managedFields"] = owners
        self.put(kind, body)
        return web.json_response(self.objects[kind, namespace, name])


@contextlib.asynccontextmanager
async def small_cluster() -> AsyncIterator[SmallCluster]:
    """One for the block."""
    found = SmallCluster()

    def clock() -> datetime:
        return found.now

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", found.answer)
    async with TestServer(application) as server:
        login = kopf.ConnectionInfo(server=str(server.make_url("")))
        async with Client(lambda: login) as client:
            found.reconciler = Reconciler(
                client, found.cache, RenderSettings("engine"), Laws(), clock=clock, entropy=bytes
            )
            yield found


def cake(name: str = KEY[1], **spec: Any) -> Object:
    """A CakeDeployment as stored."""
    model = {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}}
    return {"metadata": {"namespace": KEY[0], "name": name}, "spec": {"model": model, **spec}}
