"""CakeDeployments on a claim that is slow enough to be contended, and requests that read from it and write to it.

Device and memory hold less than the prompts that come again and again, so that these are read from the claim each time;
new prompts are computed, and written to it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from demo.server import Server
from tests.e2e.tiny import complete, deployment
from tests.engine.serving import prompt

CLAIM, TIER = "kv", "shared"
SHARE = 0.03
"""Of one processor, that the claim's file server gets."""
TOKENS = 1500
STORED = [prompt(TOKENS, seed=seed) for seed in range(8)]
_NEW = itertools.count(1000)


def on_the_claim(namespace: str, name: str, balance: dict[str, Any]) -> dict[str, Any]:
    """A CakeDeployment on it."""
    memory = {"name": "memory", "memory": {}, "capacity": "16Mi"}
    shared = {"name": TIER, "persistentVolumeClaim": {"claimName": CLAIM}, "capacity": "4Gi"}
    return deployment(namespace, name, kv_bytes=8 << 20, kvTiers=[memory, shared], balance=balance)


def answers(server: Server) -> bool:
    """Whether requests get through: a pod is Ready some moments before the node's rules know of it."""
    try:
        complete(server, prompt(16, seed=0), 1)
    except OSError:
        return False
    return True


def read_all(server: Server) -> None:
    """Ask for what is stored, one prompt after the other."""
    for tokens in STORED:
        complete(server, tokens, 1)


@contextmanager
def writing(server: Server, clients: int) -> Iterator[None]:
    """Meanwhile so many clients ask for new prompts, each for the next one when it has its answer."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            complete(server, prompt(TOKENS, next(_NEW)), 1)

    with ThreadPoolExecutor(clients) as pool:
        asking = [pool.submit(ask) for _ in range(clients)]
        try:
            yield
        finally:
            over.set()
        for one in asking:
            one.result()
