"""The children of one CakeDeployment: what is written, what is refused, and when nothing needs to be looked at."""

import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import ANY

import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cake_engine.config import LiveConfig
from cake_operator.api import CakeDeployment
from cake_operator.apply.cache import Cache
from cake_operator.apply.children import Children, OwnerGoneError
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import CLAIMS, CONFIG_MAPS, SERVICES
from cake_operator.apply.marks import mark_of

KEY = ("team", "chat")
LABELS = {"cake.dev/deployment": "chat"}


def cake(**spec: Any) -> CakeDeployment:
    model = {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}}
    return CakeDeployment.model_validate(
        {"metadata": {"name": "chat", "namespace": "team", "uid": "u"}, "spec": {"model": model, **spec}}
    )


def owned(uid: str = "u", name: str = "chat") -> dict[str, Any]:
    reference = {"apiVersion": "cake.dev/v1alpha1", "kind": "CakeDeployment", "name": name, "uid": uid}
    return {"ownerReferences": [{**reference, "controller": True}]}


def child(kind: str = "ConfigMap", name: str = "chat-engine", **meta: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": name, "labels": LABELS, **(meta or owned())}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": "1"}}


ORDER = (cake(), 1, LiveConfig())


class Server:
    """Takes every apply and every deletion.

    Attributes:
        owner: The uid of the CakeDeployment that it has; None where it has none.
        there: What it has of other objects, by name.
        refuses: The status with which it answers writes; 0 where it takes them.
        because: The cause that it gives for that.
        refused: How many writes it has refused.
        going: What it answers to a deletion.
        bodies: The same, as JSON, but for deletions.
        meanwhile: What happens to what was written before it answers.
        writes: What was written, by method and name.
    """

    def __init__(self) -> None:
        self.owner: str | None = "u"
        self.there: dict[str, dict[str, Any]] = {}
        self.refuses = 0
        self.because = ""
        self.refused = 0
        self.going: dict[str, Any] = {}
        self.writes: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.meanwhile: Callable[[dict[str, Any]], object] = lambda _: None
        self._version = 100

    async def answer(self, request: web.Request) -> web.Response:
        plural, name = request.path.split("/")[-2:]
        if request.method == "POST" and not self.refuses:
            made = (await request.json())["metadata"]["name"]
            if made in self.there:
                return web.json_response({"reason": "AlreadyExists", "message": f"{made} exists"}, status=409)
            self.there[made] = {}
            self.writes.append((request.method, made))
            return web.json_response({}, status=201)
        if request.method == "GET":
            found = {"metadata": {"uid": self.owner}} if plural == "cakedeployments" else self.there.get(name)
            missing = found is None or (plural == "cakedeployments" and self.owner is None)
            return web.json_response({} if missing else found, status=404 if missing else 200)
        if self.refuses:
            self.refused += 1
            details = {"causes": [{"reason": self.because}]}
            return web.json_response({"message": "no, because", "details": details}, status=self.refuses)
        self.writes.append((request.method, name))
        if request.method == "DELETE":
            return web.json_response(self.going)
        body = json.loads(await request.text())
        self.bodies.append(copy.deepcopy(body))
        body.setdefault("metadata", {})
        self._version += 1
        body["metadata"] |= {"resourceVersion": str(self._version), "uid": f"uid-{self._version}"}
        self.meanwhile(body)
        return web.json_response(body)


@asynccontextmanager
async def children() -> AsyncIterator[tuple[Children, Cache, Server]]:
    server, cache = Server(), Cache()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(application) as served:
        login = kopf.ConnectionInfo(server=str(served.make_url("")))
        async with Client(lambda: login) as client:
            yield Children(client, cache), cache, server


async def test_children_are_settled_once_they_were_written_or_found_as_they_are_asked_to_be() -> None:
    async with children() as (all_children, _, server):
        assert not all_children.settled(KEY, ORDER)
        for _ in range(2):
            await all_children.bring_to(KEY, "u", ORDER, [child()])
            assert all_children.settled(KEY, ORDER)
        assert server.writes == [("PATCH", "chat-engine")]


OTHER_ORDER = (cake(replicas=3), 3, LiveConfig())


async def test_for_another_order_what_is_asked_for_as_before_is_written_where_it_was_changed_and_nowhere_else() -> None:
    desired = [child(), child(name="chat-tuning")]
    async with children() as (all_children, cache, server):
        await all_children.bring_to(KEY, "u", ORDER, desired)
        edited = cache.get(CONFIG_MAPS, "team", "chat-engine")
        assert edited is not None
        cache.put(CONFIG_MAPS, {**versioned(edited, 900), "data": {"a": "theirs"}})
        await all_children.bring_to(KEY, "u", OTHER_ORDER, desired)
        written = [name for _, name in server.writes]
        assert written == ["chat-engine", "chat-tuning", "chat-engine"]


async def test_a_child_that_somebody_changed_while_it_was_written_is_looked_at_again() -> None:
    async with children() as (all_children, cache, server):
        server.meanwhile = lambda body: cache.put(CONFIG_MAPS, versioned(body, 900))
        await all_children.bring_to(KEY, "u", ORDER, [child()])
        assert not all_children.settled(KEY, ORDER)


def versioned(obj: dict[str, Any], version: int) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}


UNSETTLING = ["changed", "gone", "one more", "other replicas", "other knobs", "other spec", "forgotten"]


@pytest.mark.parametrize("which", UNSETTLING)
async def test_they_are_looked_at_again_when_something_is(which: str) -> None:
    async with children() as (all_children, cache, _):
        await all_children.bring_to(KEY, "u", ORDER, [child()])
        live = cache.get(CONFIG_MAPS, "team", "chat-engine")
        assert live is not None
        newer = versioned(live, 900)
        order = ORDER
        match which:
            case "changed":
                cache.put(CONFIG_MAPS, newer)
            case "gone":
                cache.drop(CONFIG_MAPS, newer)
            case "one more":
                cache.put(SERVICES, {**newer, "kind": "Service"})
            case "other replicas":
                order = (ORDER[0], 2, ORDER[2])
            case "other knobs":
                order = (ORDER[0], 1, LiveConfig(generation=2))
            case "other spec":
                order = (cake(replicas=3), 1, ORDER[2])
            case "forgotten":
                all_children.forget(KEY)
        assert not all_children.settled(KEY, order)


DEPLOYMENT = {
    "uid": "d",
    "generation": 2,
    "resourceVersion": "5",
    "labels": LABELS,
    "annotations": {"cake.dev/applied-hash": "a"},
    **owned(),
}
CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "its status": ({}, False),
    "the count of its controller": (
        {"annotations": {"cake.dev/applied-hash": "a", "deployment.kubernetes.io/revision": "2"}},
        False,
    ),
    "its spec": ({"generation": 3}, True),
    "its labels": ({"labels": {**LABELS, "team": "x"}}, True),
    "what we remember there": ({"annotations": {}}, True),
    "its owner": ({"ownerReferences": []}, True),
    "its end": ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, True),
}


@pytest.mark.parametrize("closely", [False, True])
@pytest.mark.parametrize("which", CHANGES)
def test_a_mark_is_another_where_a_child_may_be_otherwise_than_asked(which: str, closely: bool) -> None:
    meta, marked = CHANGES[which]
    before, after = {"metadata": DEPLOYMENT}, {"metadata": {**DEPLOYMENT, "resourceVersion": "6", **meta}}
    assert (mark_of(before, closely=closely) != mark_of(after, closely=closely)) == (marked or closely)
    assert mark_of(before, closely=closely) == mark_of({"metadata": {**DEPLOYMENT}}, closely=closely)


async def test_what_is_refused_is_told_logged_once_and_asked_again_while_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with children() as (all_children, _, server):
        server.there["chat-engine"] = child(uid="x", labels={}, resourceVersion="5")
        for _ in range(2):
            troubles = await all_children.bring_to(KEY, "u", ORDER, [child(), child(name="chat-tuning")])
            assert [trouble.reason for trouble in troubles] == ["NameTaken"]
            assert server.writes == [("PATCH", "chat-tuning")]
            assert not all_children.settled(KEY, ORDER)
    assert len([one for one in caplog.messages if "NameTaken" in one]) == 1


async def test_a_key_that_somebody_wrote_as_bytes_makes_room_for_the_text() -> None:
    async with children() as (all_children, cache, server):
        bytes_of_theirs = {"data": {}, "binaryData": {"a": "AAE=", "theirs": "AAE="}}
        cache.put(CONFIG_MAPS, {**child(**owned(), labels=LABELS, uid="x", resourceVersion="5"), **bytes_of_theirs})
        assert await all_children.bring_to(KEY, "u", ORDER, [child()]) == []
        assert server.bodies == [{"binaryData": {"a": None}}, {**child(), "metadata": ANY}]


@pytest.mark.parametrize(("status", "told"), [(403, True), (422, True), (409, False)])
async def test_a_refusal_is_for_the_user_and_a_conflict_for_the_next_try(status: int, told: bool) -> None:
    async with children() as (all_children, _, server):
        server.refuses = status
        if told:
            (trouble,) = await all_children.bring_to(KEY, "u", ORDER, [child()])
            assert (trouble.reason, trouble.message) == ("ApplyRefused", "ConfigMap chat-engine: no, because")
        else:
            with pytest.raises(ApiError):
                await all_children.bring_to(KEY, "u", ORDER, [child()])


async def test_in_a_namespace_that_goes_the_first_refusal_is_the_last_attempt() -> None:
    async with children() as (all_children, _, server):
        server.refuses, server.because = 403, "NamespaceTerminating"
        with pytest.raises(OwnerGoneError):
            await all_children.bring_to(KEY, "u", ORDER, [child(), child(name="chat-tuning")])
        assert server.refused == 1


async def test_a_deletion_that_is_refused_is_told() -> None:
    claim = child("PersistentVolumeClaim", "chat-lost", **owned(), labels=LABELS, uid="c", resourceVersion="5")
    async with children() as (all_children, cache, server):
        cache.put(CLAIMS, claim)
        server.refuses = 403
        (trouble,) = await all_children.bring_to(KEY, "u", ORDER, [])
        assert (trouble.reason, trouble.message) == ("DeleteRefused", "PersistentVolumeClaim chat-lost: no, because")


async def test_a_deletion_in_conflict_is_for_the_next_try_and_not_taken_for_done() -> None:
    claim = child("PersistentVolumeClaim", "chat-lost", **owned(), labels=LABELS, uid="c", resourceVersion="5")
    async with children() as (all_children, cache, server):
        cache.put(CLAIMS, claim)
        server.refuses = 409
        with pytest.raises(ApiError):
            await all_children.bring_to(KEY, "u", ORDER, [])
        server.refuses = 0
        assert await all_children.bring_to(KEY, "u", ORDER, []) == []
        assert server.writes == [("DELETE", "chat-lost")]


@pytest.mark.parametrize("finalizers", [[], ["kubernetes.io/pvc-protection"]])
async def test_a_child_is_deleted_once_however_long_the_watch_says_nothing_of_it(finalizers: list[str]) -> None:
    claim = child("PersistentVolumeClaim", "chat-lost", **owned(), labels=LABELS, uid="c", resourceVersion="5")
    end = {"finalizers": finalizers, "deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "6"}
    async with children() as (all_children, cache, server):
        cache.put(CLAIMS, claim)
        server.going = {**claim, "metadata": claim["metadata"] | end} if finalizers else {"kind": "Status"}
        for _ in range(3):
            assert await all_children.bring_to(KEY, "u", ORDER, []) == []
        assert server.writes == [("DELETE", "chat-lost")]
        assert (cache.get(CLAIMS, "team", "chat-lost") is None) != bool(finalizers), "what stays for a while is seen to"


@pytest.mark.parametrize("owner", [None, "another"])
@pytest.mark.parametrize("orphaned", [False, True])
async def test_nothing_is_made_for_or_given_to_an_owner_that_is_gone(owner: str | None, orphaned: bool) -> None:
    async with children() as (all_children, cache, server):
        server.owner = owner
        if orphaned:  # `kubectl delete --cascade=orphan`, whose event was missed
            cache.put(CONFIG_MAPS, child(labels=LABELS, uid="x", resourceVersion="5"))
        with pytest.raises(OwnerGoneError):
            await all_children.bring_to(KEY, "u", ORDER, [child()])
        assert server.writes == []


SALT = {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "team", "name": "cake-tenant-a"}}


async def test_a_secret_is_made_once_before_the_children_and_left_as_it_is() -> None:
    async with children() as (all_children, _, server):
        for _ in range(2):
            assert await all_children.bring_to(KEY, "u", ORDER, [child()], [SALT]) == []
        assert all_children.settled(KEY, ORDER)
        assert server.writes == [("POST", "cake-tenant-a"), ("PATCH", "chat-engine")]


async def test_a_secret_that_is_refused_is_told_without_what_is_in_it() -> None:
    async with children() as (all_children, _, server):
        server.refuses = 403
        secret = {**SALT, "data": {"salt": "c2VjcmV0"}}
        told = await all_children.bring_to(KEY, "u", ORDER, [], [secret])
        assert [(one.reason, one.message) for one in told] == [("ApplyRefused", "Secret cake-tenant-a: no, because")]


STANDINGS: dict[str, tuple[dict[str, Any], str | None]] = {
    "controlled by another CakeDeployment": (owned("x", name="other"), "NameTaken"),
    "of a predecessor": (owned("old"), None),
    "with our label and no owner": ({"labels": LABELS}, "written"),
    "with nothing of ours": ({"labels": {}}, "NameTaken"),
    "on its way out": ({**owned(), "deletionTimestamp": "2026-01-01T00:00:00Z"}, None),
}


@pytest.mark.parametrize("which", STANDINGS)
async def test_what_has_the_name_already_is_written_only_if_it_is_ours(which: str) -> None:
    meta, expected = STANDINGS[which]
    async with children() as (all_children, _, server):
        found = child(**{"labels": LABELS, "uid": "x", "resourceVersion": "5", **meta})
        server.there["chat-engine"] = {**found, "data": {"a": "2"}}
        troubles = await all_children.bring_to(KEY, "u", ORDER, [child()])
        assert [trouble.reason for trouble in troubles] == (["NameTaken"] if expected == "NameTaken" else [])
        assert bool(server.writes) == (expected == "written")
