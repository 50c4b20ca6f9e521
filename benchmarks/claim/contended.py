"""CakeDeployments on a claim that can be contended, and prompts that they read from it.

Device and memory hold less than the prompts that come again and again, so that these are read from the claim each time.
"""

from __future__ import annotations

from typing import Any

from demo.server import Server
from tests.e2e.tiny import complete, deployment
from tests.engine.serving import prompt

CLAIM, TIER = "kv", "shared"
TOKENS = 1500
STORED = [prompt(TOKENS, seed=seed) for seed in range(8)]


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
