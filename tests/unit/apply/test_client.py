import contextlib
import socket

import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cake_operator.apply import client as module
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import DEPLOYMENTS, SERVICES
from tests.unit.apply.api_server import Answer, Script, broken, client_of, ok, refusal, stream

SERVICE = {"metadata": {"namespace": "team", "name": "chat", "resourceVersion": "1"}}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_delay", lambda attempt, retry_after: 0.0)


FAULTS: dict[str, Answer] = {
    "429": refusal(429, "TooManyRequests", **{"Retry-After": "1"}),
    "500": refusal(500, "InternalError"),
    "503": refusal(503, "ServiceUnavailable"),
    "a broken line": broken(),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_passing_fault_is_waited_out(fault: str) -> None:
    script = Script(FAULTS[fault], FAULTS[fault], ok(SERVICE))
    async with client_of(script) as client:
        assert await client.get(SERVICES, "team", "chat") == SERVICE
    assert len(script.requests) == 3


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_lasting_fault_is_given_up_after_four_attempts(fault: str) -> None:
    script = Script(FAULTS[fault])
    async with client_of(script) as client:
        with pytest.raises(ApiError) as failed:
            await client.apply(SERVICES, SERVICE, force=True)
    assert failed.value.status in {0, 429, 500, 503}
    assert len(script.requests) == 4


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (409, "Conflict"), (422, "Invalid")])
async def test_a_refusal_is_not_repeated_and_keeps_its_words(status: int, reason: str) -> None:
    script = Script(refusal(status, reason, "no, because"))
    async with client_of(script) as client:
        with pytest.raises(ApiError, match="no, because") as refused:
            await client.apply(DEPLOYMENTS, SERVICE, force=False)
    assert (refused.value.status, refused.value.reason, len(script.requests)) == (status, reason, 1)


async def test_what_is_not_there_is_none_to_read_and_fine_to_delete() -> None:
    async with client_of(Script(refusal(404, "NotFound"))) as client:
        assert await client.get(SERVICES, "team", "chat") is None
        await client.delete(SERVICES, "team", "chat", "uid")


async def test_credentials_that_are_no_longer_accepted_are_read_anew() -> None:
    script = Script(refusal(401, "Unauthorized"), ok(SERVICE))
    async with client_of(script) as client:
        assert await client.get(SERVICES, "team", "chat") == SERVICE
    assert script.tokens == ["Bearer token-1", "Bearer token-2"]


async def test_a_watch_whose_credentials_are_refused_has_new_ones_the_next_time() -> None:
    script = Script(refusal(401, "Unauthorized"), stream(b'{"type":"BOOKMARK","object":{}}\n'))
    async with client_of(script) as client:
        with pytest.raises(ApiError) as refused:
            [event async for event in client.watch(SERVICES, None, "1")]
        assert refused.value.status == 401
        assert [kind async for kind, _ in client.watch(SERVICES, None, "1")] == ["BOOKMARK"]
    assert script.tokens == ["Bearer token-1", "Bearer token-2"]


async def test_a_watch_that_cannot_even_be_opened_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers nobody; the kernel accepts for it until its queue is full."""
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(0)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with contextlib.ExitStack() as queued:
            for _ in range(8):
                waiting = queued.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(mute.getsockname())
            async with Client(lambda: kopf.ConnectionInfo(server=url)) as client:
                with pytest.raises(ApiError, match="the watch of services broke"):
                    [event async for event in client.watch(SERVICES, None, "1")]


async def test_a_server_below_a_path_is_reached() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response(SERVICE)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        url = str(server.make_url("/clusters/one"))
        async with Client(lambda: kopf.ConnectionInfo(server=url)) as client:
            await client.get(SERVICES, "team", "chat")
    assert seen == ["/clusters/one/api/v1/namespaces/team/services/chat"]


async def test_a_list_is_read_page_by_page() -> None:
    pages = [
        ok({"metadata": {"resourceVersion": "7", "continue": "more"}, "items": [{"n": 1}]}),
        ok({"metadata": {"resourceVersion": "7"}, "items": [{"n": 2}]}),
    ]
    script = Script(*pages)
    async with client_of(script) as client:
        assert await client.list(SERVICES, None, "a=b") == ([{"n": 1}, {"n": 2}], "7")
    assert script.requests[1][1]["continue"] == "more"
    assert script.requests[1][1]["labelSelector"] == "a=b"


async def test_an_apply_names_its_manager_and_forces_only_when_told() -> None:
    script = Script(ok(SERVICE))
    async with client_of(script) as client:
        await client.apply(SERVICES, SERVICE, force=False)
        await client.apply(SERVICES, SERVICE, force=True)
    assert [query["force"] for _, query in script.requests] == ["false", "true"]
    assert {query["fieldManager"] for _, query in script.requests} == {"cake-operator"}


async def test_a_client_of_another_name_writes_under_that_name() -> None:
    script = Script(ok(SERVICE))
    async with client_of(script, agent="somebody") as client:
        await client.apply(SERVICES, SERVICE, force=True)
    assert [query["fieldManager"] for _, query in script.requests] == script.agents == ["somebody"]


async def test_events_of_a_watch_come_whole_however_they_are_cut() -> None:
    long = b'{"type":"ADDED","object":{"x":"' + b"y" * 300_000 + b'"}}\n'
    script = Script(stream(long[:10], long[10:200_000], long[200_000:] + b'{"type":"DELETED","object":{}}\n'))
    async with client_of(script) as client:
        events = [event async for event in client.watch(SERVICES, None, "1")]
    assert [(kind, len(obj.get("x", ""))) for kind, obj in events] == [("ADDED", 300_000), ("DELETED", 0)]


async def test_a_watch_from_too_long_ago_ends_with_410() -> None:
    script = Script(stream(b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}\n'))
    async with client_of(script) as client:
        with pytest.raises(ApiError, match="too old") as gone:
            [event async for event in client.watch(SERVICES, None, "1")]
    assert gone.value.status == 410


async def test_a_silent_watch_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.2)
    script = Script(stream(b'{"type":"BOOKMARK","object":{}}\n', silent=True))
    async with client_of(script) as client:
        assert [kind async for kind, _ in client.watch(SERVICES, None, "1")] == ["BOOKMARK"]


async def test_a_server_that_is_not_there_is_named(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with Client(lambda: kopf.ConnectionInfo(server=url)) as client:
        with pytest.raises(ApiError, match="did not answer GET /api/v1/namespaces/team/services/chat") as failed:
            await client.get(SERVICES, "team", "chat")
    assert failed.value.status == 0
