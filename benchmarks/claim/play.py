"""Requests at given times, the same under every setting, and how long their first tokens took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from benchmarks.claim.contended import STORED, TOKENS
from demo.server import Server
from tests.e2e.tiny import complete
from tests.engine.serving import prompt

BUSY, IDLE = "busy", "idle"
NEW_SECONDS = 0.8
"""Between the new prompts of the busy one, which are computed and written."""
STORED_SECONDS = {BUSY: 2.0, IDLE: 4.0}
"""Between prompts that are on the claim."""
_NEW = count(10_000)


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        setting: Under which it was asked.
        deployment: Busy or idle.
        stored: Whether its prompt was on the claim.
        seconds: From sending it to its only token.
    """

    setting: str
    deployment: str
    stored: bool
    seconds: float


@dataclass(frozen=True)
class _Planned:
    at: float
    deployment: str
    tokens: list[int]
    stored: bool


def play(setting: str, servers: dict[str, Server], seconds: float, settling: float) -> list[Asked]:
    """Ask for so many seconds; what was asked for in the first of them is left out.

    Args:
        setting: Its name.
        servers: By deployment.
        seconds: In all.
        settling: In which what was asked before is still being written.
    """
    planned = sorted(_plan(seconds), key=lambda one: one.at)
    began = time.monotonic()

    def ask(one: _Planned) -> Asked:
        sent = time.monotonic()
        complete(servers[one.deployment], one.tokens, 1)
        return Asked(setting, one.deployment, one.stored, time.monotonic() - sent)

    with ThreadPoolExecutor(len(planned)) as clients:
        asked = []
        for one in planned:
            time.sleep(max(0.0, began + one.at - time.monotonic()))
            asked.append((one.at, clients.submit(ask, one)))
        return [answer.result() for at, answer in asked if at >= settling]


def _plan(seconds: float) -> Iterator[_Planned]:
    for number in range(int(seconds / NEW_SECONDS)):
        yield _Planned(number * NEW_SECONDS, BUSY, prompt(TOKENS, next(_NEW)), stored=False)
    for deployment, every in STORED_SECONDS.items():
        for number in range(int(seconds / every)):
            yield _Planned((number + 0.5) * every, deployment, STORED[number % len(STORED)], stored=True)
