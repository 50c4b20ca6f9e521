"""Elections on a server that keeps one lease as the API server does: a write of an old version is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cake_operator.apply.client import Client, Patience
from cake_operator.apply.leadership import Leadership, LeadershipLostError, Terms

BRISK = Terms(lasts=2, acts=1.0, renews=0.1, asks=0.05)


class LeaseServer:
    """One lease.

    Attributes:
        lease: As it is now; None where there is none.
        down: Whether every request fails.
    """

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.down = False
        self._version = 0
        self._renewed = asyncio.Event()

    def write(self, lease: dict[str, Any]) -> web.Response:
        self._version += 1
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": str(self._version)}}
        self._renewed.set()
        return web.json_response(self.lease)

    async def renewal(self) -> None:
        """Wait for the next write."""
        self._renewed.clear()
        await self._renewed.wait()

    async def answer(self, request: web.Request) -> web.Response:
        if self.down:
            return web.json_response({"message": "down"}, status=500)
        body = json.loads(await request.text() or "null")
        match request.method, self.lease:
            case "GET", None:
                return web.json_response({}, status=404)
            case "GET", lease:
                return web.json_response(lease)
            case "POST", None:
                return self.write(body)
            case "PUT", {"metadata": {"resourceVersion": version}} if body["metadata"]["resourceVersion"] == version:
                return self.write(body)
        return web.json_response({"reason": "Conflict"}, status=409)

    @property
    def holder(self) -> str:
        assert self.lease is not None
        return str(self.lease["spec"]["holderIdentity"])


@asynccontextmanager
async def election() -> AsyncIterator[tuple[LeaseServer, Client]]:
    leases = LeaseServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", leases.answer)
    async with TestServer(application) as server, asyncio.timeout(120):
        login = kopf.ConnectionInfo(server=str(server.make_url("")))
        async with Client(lambda: login, patience=Patience(attempts=2, timeout_seconds=0.2)) as client:
            yield leases, client


def candidate(client: Client, name: str, **options: Any) -> Leadership:
    return Leadership(client, "system", "cake", name, **{"terms": BRISK, **options})


async def test_the_first_takes_the_lease_and_the_second_stands_by() -> None:
    async with election() as (leases, client):
        first, second = candidate(client, "first"), candidate(client, "second")
        await first.acquire()
        first.check()
        keeping, waiting = asyncio.create_task(first.keep()), asyncio.create_task(second.acquire())
        await asyncio.sleep(1.5 * BRISK.lasts)
        assert (leases.holder, waiting.done()) == ("first", False)
        with pytest.raises(LeadershipLostError):
            second.check()
        for task in (keeping, waiting):
            task.cancel()


async def test_of_many_who_want_it_at_once_one_gets_it() -> None:
    async with election() as (_, client):
        tasks = [asyncio.create_task(candidate(client, f"c{n}").acquire()) for n in range(8)]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        await asyncio.sleep(0.25 * BRISK.lasts)
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()


async def test_one_who_is_not_heard_of_stops_before_another_takes_over() -> None:
    clock = asyncio.get_running_loop().time
    async with election() as (leases, client):
        first, second = candidate(client, "first", clock=clock), candidate(client, "second", clock=clock)
        await first.acquire()
        began = clock()
        taking = asyncio.create_task(second.acquire())
        while True:
            try:
                first.check()
            except LeadershipLostError:
                break
            await asyncio.sleep(0.01)
        stopped = clock()
        assert not taking.done()
        await taking
        assert stopped - began < BRISK.lasts < clock() - began
        assert (leases.holder, leases.lease and leases.lease["spec"]["leaseTransitions"]) == ("second", 1)


async def test_one_who_cannot_renew_says_so_in_time() -> None:
    async with election() as (leases, client):
        terms = Terms(lasts=60, acts=1.0, renews=0.1, asks=0.05)
        first = candidate(client, "first", terms=terms)
        await first.acquire()
        began = asyncio.get_running_loop().time()
        leases.down = True
        with pytest.raises(LeadershipLostError, match="first does not hold the lease system/cake"):
            await first.keep()
        assert asyncio.get_running_loop().time() - began < terms.lasts


async def test_a_passing_fault_loses_nothing() -> None:
    async with election() as (leases, client):
        first = candidate(client, "first")
        await first.acquire()
        keeping = asyncio.create_task(first.keep())
        leases.down = True
        await asyncio.sleep(0.5 * BRISK.acts)
        leases.down = False
        await leases.renewal()
        await leases.renewal()
        assert not keeping.done()
        first.check()
        keeping.cancel()


async def test_a_lease_that_somebody_took_is_lost_at_once() -> None:
    async with election() as (leases, client):
        first = candidate(client, "first")
        await first.acquire()
        assert leases.lease is not None
        leases.write({**leases.lease, "spec": {**leases.lease["spec"], "holderIdentity": "thief"}})
        with pytest.raises(LeadershipLostError, match="is of thief now"):
            await first.keep()
        with pytest.raises(LeadershipLostError):
            first.check()
        assert leases.holder == "thief"


async def test_a_lease_that_somebody_labelled_is_kept() -> None:
    async with election() as (leases, client):
        first = candidate(client, "first")
        await first.acquire()
        keeping = asyncio.create_task(first.keep())
        assert leases.lease is not None
        leases.write({**leases.lease, "metadata": {**leases.lease["metadata"], "labels": {"a": "b"}}})
        await leases.renewal()
        assert not keeping.done()
        assert (leases.holder, leases.lease["metadata"]["labels"]) == ("first", {"a": "b"})
        keeping.cancel()


async def test_a_lease_that_was_given_back_is_free_at_once() -> None:
    async with election() as (leases, client):
        first, second = candidate(client, "first"), candidate(client, "second")
        await first.acquire()
        await first.release()
        with pytest.raises(LeadershipLostError):
            first.check()
        async with asyncio.timeout(0.5 * BRISK.lasts):
            await second.acquire()
        assert leases.holder == "second"


async def test_the_next_process_of_a_name_does_not_wait_for_its_own_lease() -> None:
    async with election() as (leases, client):
        await candidate(client, "first").acquire()
        async with asyncio.timeout(0.5 * BRISK.lasts):
            await candidate(client, "first").acquire()
        assert leases.lease is not None
        assert leases.lease["spec"]["leaseTransitions"] == 0


def test_a_lease_of_any_length_is_renewed_in_the_same_proportion() -> None:
    assert Terms.lasting(10) == Terms()
    assert Terms.lasting(60) == Terms(lasts=60, acts=42.0, renews=12.0)


@pytest.mark.parametrize("times", [{"acts": 10.0}, {"renews": 8.0}])
def test_times_that_would_let_two_act_are_refused(times: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="before another may take the lease"):
        Terms(**times)  # type: ignore[arg-type]  # one of the float fields
