"""The way into the node's network: 127.0.0.1 on the machine to the API server and to every NodePort inside.

``python -m tests.localcluster.forwarder PID PORT FOLDER``: PID is a process in the node's network namespace, PORT is
for the API server, FOLDER is the cluster's. It follows the Services by itself until it is killed. Only TCP.

Of a connection one end is a socket of the machine, the other a socket of the namespace. A process may hold both: what
counts is where it is at the moment it makes each.
"""

import argparse
import asyncio
import ctypes
import os
import socket
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.localcluster.namespaces import NODE_ADDRESS

LOOPBACK = "127.0.0.1"
API_PORT = 6443
CHUNK = 1 << 16
# How long a NodePort that the machine itself uses waits for its next try.
LOOK_AGAIN_SECONDS = 10

_libc = ctypes.CDLL(None, use_errno=True)


class Inside:
    """The network namespace of the process ``pid``."""

    def __init__(self, pid: int) -> None:
        self._inside = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self._outside = os.open("/proc/self/ns/net", os.O_RDONLY)

    async def connect(self, port: int) -> socket.socket:
        """A connection to that port of the node; raises OSError where nothing answers."""
        target = self._socket()
        target.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(target, (NODE_ADDRESS, port))
        except BaseException:
            target.close()
            raise
        return target

    def _socket(self) -> socket.socket:
        """A socket that lives in there; the calling thread is inside for that moment."""
        self._enter(self._inside)
        try:
            return socket.socket()
        finally:
            self._enter(self._outside)

    @staticmethod
    def _enter(namespace: int) -> None:
        if _libc.setns(namespace, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")


# The event loop holds a connection's task only weakly: one that waits for an answer to a finished request would be
# collected, and the answer with it.
_connections: set[asyncio.Task[None]] = set()


async def listen(inside: Inside, port: int, inner: int) -> asyncio.Server:
    """Forward connections to ``port`` on loopback to port ``inner`` of the node."""

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(_forward(inside, inner, reader, writer))
        _connections.add(connection)
        connection.add_done_callback(_connections.discard)

    return await asyncio.start_server(accept, LOOPBACK, port)


async def _forward(inside: Inside, inner: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        target = await inside.connect(inner)
    except OSError:
        # Nothing answers in there (yet); the client finds its connection closed.
        writer.close()
        return
    inner_reader, inner_writer = await asyncio.open_connection(sock=target)
    await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
    inner_writer.close()
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction to its end, and pass the end on: the other direction may have more to say."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()


class NodePorts:
    """The listeners for Services."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._servers: dict[int, asyncio.Server] = {}
        self._refused: set[int] = set()

    async def follow(self, ports: set[int]) -> None:
        """Forward exactly these from now on, as far as the machine does not use them itself (said once each)."""
        self._refused &= ports
        for port in self._servers.keys() - ports:
            self._servers.pop(port).close()
        for port in ports - self._servers.keys():
            try:
                self._servers[port] = await listen(self._inside, port, port)
                self._refused.discard(port)
            except OSError as error:
                if port not in self._refused:
                    print(f"NodePort {port} does not answer on {LOOPBACK}: {error}", file=sys.stderr, flush=True)
                self._refused.add(port)


async def node_ports(url: str, tls: ssl.SSLContext) -> AsyncGenerator[set[int], None]:
    """The NodePorts of the API server's cluster, anew whenever a Service changes."""
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=tls)) as session:
        while True:
            try:
                async with session.get("/api/v1/services", raise_for_status=True) as answer:
                    services = await answer.json()
                specs = [service["spec"] for service in services["items"]]
                # One that only names another host (ExternalName) has no ports.
                ports = [port for spec in specs for port in spec.get("ports", ()) if port["protocol"] == "TCP"]
                yield {port["nodePort"] for port in ports if "nodePort" in port}
                since = {"resourceVersion": services["metadata"]["resourceVersion"]}
                changes = {"watch": "true", "timeoutSeconds": str(LOOK_AGAIN_SECONDS), **since}
                async with session.get("/api/v1/services", params=changes, raise_for_status=True) as answer:
                    await answer.content.readany()
            except (aiohttp.ClientError, TimeoutError):
                # The API server is starting, or ending with the whole cluster.
                await asyncio.sleep(0.2)


def administrator(folder: Path) -> ssl.SSLContext:
    """The administrator's credentials of the cluster in ``folder``."""
    keys = folder / "pki"
    tls = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    tls.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    return tls


async def forward(pid: int, port: int, folder: Path) -> None:
    """Forward the API server's port, and NodePorts as they come and go."""
    inside = Inside(pid)
    await listen(inside, port, API_PORT)
    tls = administrator(folder)
    listeners = NodePorts(inside)
    async for ports in node_ports(f"https://{LOOPBACK}:{port}", tls):
        await listeners.follow(ports)


def main() -> None:
    """Read the command line and forward until killed."""
    parser = argparse.ArgumentParser(prog="forwarder")
    parser.add_argument("pid", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    asyncio.run(forward(arguments.pid, arguments.port, arguments.folder))


if __name__ == "__main__":
    main()
