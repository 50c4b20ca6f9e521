"""Waiting for what a cluster does in its own time, beside others who wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 300.0
POLL_SECONDS = 0.5


class NotReachedError(Exception):
    """It did not come to what was waited for."""


async def until(holds: Callable[[], Awaitable[bool]], what: str | Callable[[], str]) -> None:
    """Look until it holds.

    Raises:
        NotReachedError: It did not within the deadline; says what.
    """
    end = time.monotonic() + DEADLINE_SECONDS
    while not await holds():
        if time.monotonic() > end:
            said = what if isinstance(what, str) else what()
            raise NotReachedError(f"after {DEADLINE_SECONDS:g} s still not {said}")
        await asyncio.sleep(POLL_SECONDS)
