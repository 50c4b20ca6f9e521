"""Thousands of requests through one engine: what it holds and its memory as they pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.engine.serving import Server, make_model, prompt, write_config

BATCH = 100
PROMPT_TOKENS, ANSWER_TOKENS = 128, 2
RETURNING = 50
"""Prompts that come again and again: one request in five has one of them, and so a stored prefix."""

TIER_BYTES = 1 << 28
"""Of the file tier: full after a quarter of ten thousand requests. Until then the engine needs a little more for each
file that it lists, and the question here is what grows for ever."""


@dataclass(frozen=True)
class Held:
    """The engine after some requests, when it has nothing left to do.

    Attributes:
        requests: That it has served.
        resident: Bytes of memory of its process.
        objects: Of requests that ended, what it still has: plans, reads, copies and the like.
    """

    requests: int
    resident: int
    objects: int


def soak(requests: int, folder: Path) -> list[Held]:
    """Serve requests in batches; gives ten looks or more, the first after a tenth of them."""
    config = write_config(folder, capacityBytes=TIER_BYTES)
    server = Server(make_model(folder / "model"), cake_config=config, max_num_seqs=32)
    try:
        return list(_looks(server, requests))
    finally:
        server.close()


def _looks(server: Server, requests: int) -> Iterator[Held]:
    every = max(BATCH, requests // 10 // BATCH * BATCH)
    for first in range(0, requests, BATCH):
        seeds = (number if number % 5 else number % RETURNING for number in range(first, first + BATCH))
        server.tokens([prompt(PROMPT_TOKENS, seed) for seed in seeds], ANSWER_TOKENS)
        if (first + BATCH) % every == 0:
            server.settle()
            held = sum(server.idle().values())
            yield Held(first + BATCH, psutil.Process().memory_info().rss, held)
