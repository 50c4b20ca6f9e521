"""Small fleets with round figures to reckon with."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

from cake_engine.config import LiveConfig, Mode
from cake_simulator.device import Device
from cake_simulator.file_tier import TierSpeed
from cake_simulator.hardware import Hardware
from cake_simulator.policies.static import Static
from cake_simulator.result import Result
from cake_simulator.seats import EngineLimits
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate
from cake_simulator.tally import Objective
from cake_simulator.trace import Request

BLOCK = 512
DEVICE = Device(base=0.01, token=0.0001, slope=1e-8, decode=0.0005, context=1e-8)
SPEED = TierSpeed(bytes_per_second=1e9, latency=0.0)


def hardware(**changes: Any) -> Hardware:
    """A device with 1 KB of KV a token and room for a million."""
    figures: dict[str, Any] = {
        "description": "test",
        "sources": (),
        "device": DEVICE,
        "kv_bytes_per_token": 1000,
        "kv_memory_bytes": 1e9,
        "copy_bytes_per_second": 1e15,
        "claim": SPEED,
        "scratch": SPEED,
        "cold_start_seconds": 30.0,
    }
    return Hardware(**figures | changes)


def setup(
    replicas: int = 1, *, mode: Mode = Mode.ADAPTIVE, bandwidth: float = 0.0, kv_tokens: int = 1_000_000, **changes: Any
) -> Setup:
    """One replica or several; a tier of a thousand chunks where a bandwidth is given."""
    speed = TierSpeed(bytes_per_second=bandwidth or 1.0, latency=0.0)
    tiers = (TierSetup("shared", speed, 1000 * BLOCK * 1000.0),) if bandwidth else ()
    made = Setup(
        hardware=hardware(),
        limits=EngineLimits(step_tokens=BLOCK, seats=64, kv_tokens=kv_tokens),
        objective=Objective(inf, 0.0, inf),
        memory_bytes=100 * BLOCK * 1000.0,
        tiers=tiers,
        live=LiveConfig(mode=mode, minimum_load_tokens=0),
        replicas=replicas,
        fewest=replicas,
        most=replicas,
    )
    return replace(made, **changes)


def request(number: int, arrival: float, tokens: int, output: int = 1, blocks: tuple[int, ...] = ()) -> Request:
    """One request; without blocks it shares nothing."""
    own = tuple(10_000 * (number + 1) + block for block in range(tokens // BLOCK))
    return Request(number, arrival, tokens, output, blocks or own)


def run(made: Setup, *requests: Request) -> Result:
    """Serve these with as many replicas as there are at the start."""
    return simulate(made, requests, Static(made.replicas))
