"""HTTP for the kubelet and for Prometheus: /healthz and /metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

__all__ = ["Pulse", "exposition", "serving"]


class Pulse:
    """The beat of the metrics loop: the operator lives while it goes on.

    Args:
        patience_seconds: Silence after which the process is better started anew.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._last = time.monotonic()

    def beat(self) -> None:
        """Note that a round of the loop has ended."""
        self._last = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """Time since the last beat."""
        return time.monotonic() - self._last

    @property
    def alive(self) -> bool:
        """Whether the last beat is recent."""
        return self.age_seconds < self._patience


def exposition(names: Sequence[str]) -> bytes:
    """The metrics as Prometheus reads them: those of these names, or all of them where none is named."""
    return generate_latest(REGISTRY.restricted_registry(names) if names else REGISTRY)


@asynccontextmanager
async def serving(port: int, pulse: Pulse) -> AsyncIterator[None]:
    """Serve on `port` of every address until the block ends.

    Raises:
        OSError: The port is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        if pulse.alive:
            return web.Response(text="ok\n")
        return web.Response(status=503, text=f"nothing was looked at for {pulse.age_seconds:.0f} s\n")

    async def metrics(request: web.Request) -> web.Response:
        # Of a thousand CakeDeployments it takes a third of a second to write down: nobody else waits for that.
        body = await asyncio.to_thread(exposition, request.query.getall("name[]", []))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
