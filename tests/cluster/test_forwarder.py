"""What carries connections into the local node's network, on ports of this machine."""

import asyncio
import gc
import socket

from tests.localcluster import Cluster
from tests.localcluster.forwarder import LOOPBACK, Inside, administrator, listen, node_ports
from tests.localcluster.local import LocalCluster
from tests.started_here import started_here


class Here(Inside):
    """The machine's own network in place of a node's."""

    def __init__(self) -> None:
        """Open no namespace: none is entered."""

    async def connect(self, port: int) -> socket.socket:
        target = socket.create_connection((LOOPBACK, port))
        target.setblocking(False)
        return target


async def test_an_answer_arrives_however_long_after_the_end_of_the_request() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read()
        asked.set()
        await go_on.wait()
        writer.write(b"answer to " + request)
        writer.close()

    held: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda reader, writer: held.append(asyncio.create_task(answer(reader, writer))), LOOPBACK, 0
    )
    port = await _forwarded(server)
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(b"request")
    writer.write_eof()
    await asked.wait()

    gc.collect()
    go_on.set()

    assert await reader.read() == b"answer to request"
    writer.close()


async def test_a_client_that_goes_away_is_seen_by_the_server() -> None:
    gone = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"first token")
        await reader.read()
        gone.set()
        writer.close()

    held: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda reader, writer: held.append(asyncio.create_task(stream(reader, writer))), LOOPBACK, 0
    )
    reader, writer = await asyncio.open_connection(LOOPBACK, await _forwarded(server))
    assert await reader.read(100) == b"first token"

    writer.close()

    await asyncio.wait_for(gone.wait(), timeout=60)


async def test_where_nothing_answers_the_connection_is_closed() -> None:
    with socket.create_server((LOOPBACK, 0)) as unused:
        port = unused.getsockname()[1]
    forwarder = await listen(Here(), 0, port)
    reader, writer = await asyncio.open_connection(LOOPBACK, forwarder.sockets[0].getsockname()[1])

    assert await reader.read() == b""
    writer.close()


@started_here
async def test_the_ports_of_services_are_found_beside_one_that_has_none() -> None:
    with Cluster.up(control_plane_only=True) as cluster:
        assert isinstance(cluster, LocalCluster)
        cluster.kubectl("create", "service", "externalname", "elsewhere", "--external-name=other.example")
        cluster.kubectl("create", "service", "nodeport", "here", "--tcp=80", "--node-port=30123")

        found = node_ports(cluster.run.url, administrator(cluster.run.folder))

        assert await anext(found) == {30123}
        await found.aclose()


async def _forwarded(server: asyncio.Server) -> int:
    """The port on which a forwarder to ``server`` listens."""
    forwarder = await listen(Here(), 0, server.sockets[0].getsockname()[1])
    port: int = forwarder.sockets[0].getsockname()[1]
    return port
