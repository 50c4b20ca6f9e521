"""Requests that arrive together, each with a stored prefix: both ends serve one after the other."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from cake_engine.config import LiveConfig, Mode
from cake_simulator.device import Device
from cake_simulator.ended import Ended
from cake_simulator.file_tier import TierSpeed
from cake_simulator.policies.static import Static
from cake_simulator.seats import EngineLimits
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate
from cake_simulator.trace import Request
from tests.unit.simulator.fleets import hardware, setup

SIZE, STORED, NEW, MOST = 32, 2048, 24, 4
FLUSH = MOST * (STORED + SIZE)
"""Tokens that fill the device and its memory tier, so that the prefixes are on the tier below alone."""
DEVICE = Device(base=0.03, token=1.3e-3, slope=2.5e-7)
APART = 60.0


def _slow_replica(ratio: float, mode: Mode) -> Setup:
    """A device of two cores, and a tier that takes `ratio` times as long to load a prefix as it takes to compute."""
    bandwidth = STORED * 1000 / (ratio * DEVICE.prefill(STORED, 512))
    room = FLUSH + SIZE
    return replace(
        setup(mode=mode),
        hardware=hardware(device=DEVICE, copy_bytes_per_second=1e9),
        limits=EngineLimits(step_tokens=512, seats=16, kv_tokens=room),
        memory_bytes=room * 1000.0,
        tiers=(TierSetup("shared", TierSpeed(bytes_per_second=bandwidth, latency=0.001, readers=4), 1e12),),
        live=LiveConfig(mode=mode),
        block_tokens=SIZE,
    )


def _mean_ttft(made: Setup, together: int) -> float:
    """Mean over requests that come together; the engine has learned what both ends take."""
    requests: list[Request] = []
    blocks = iter(range(10**9))

    def prompt(tokens: int) -> tuple[int, ...]:
        return tuple(next(blocks) for _ in range(tokens // SIZE))

    def ask(what: tuple[int, ...], new: int = 8, *, after: float = APART) -> None:
        arrival = requests[-1].arrival + after if requests else 0.0
        requests.append(Request(len(requests), arrival, len(what) * SIZE + new, 1, what))

    learned, measured = prompt(1024), [prompt(STORED) for _ in range(together)]
    for what in (learned, *measured):
        ask(what)
    for _ in range(3):
        ask(prompt(FLUSH))
        ask(learned)
    ask(prompt(FLUSH))
    first = len(requests)
    for what in measured:
        ask(what, NEW, after=APART if len(requests) == first else 0.0)
    found: dict[int, Ended] = {}
    simulate(made, requests, Static(1), lambda ended: found.update({ended.request.number: ended}))
    return statistics.mean(found[number].ttft or 0.0 for number in range(first, len(requests)))


def _oracle(ratio: float, together: int) -> float:
    """The n-th is not there before n times the compute of its first part, nor before n times the loads of the rest."""
    whole, last = DEVICE.prefill(STORED, 512), DEVICE.prefill(NEW, 512)

    def best(place: int) -> float:
        ends = (
            max(
                place * (DEVICE.prefill(computed, 512) if computed else 0.0) + (place - 1) * last,
                place * ratio * whole * (1 - computed / STORED),
            )
            for computed in range(0, STORED + 1, SIZE)
        )
        return min(ends) + last

    return statistics.mean(best(place) for place in range(1, together + 1))


@pytest.mark.parametrize(("ratio", "together"), [(0.1, 4), (0.5, 2), (0.5, 4), (1.0, 4), (4.0, 4)])
def test_those_that_come_together_are_served_nearly_as_fast_as_can_be(ratio: float, together: int) -> None:
    assert _mean_ttft(_slow_replica(ratio, Mode.ADAPTIVE), together) <= 1.2 * _oracle(ratio, together)


def test_of_four_that_only_load_one_is_loaded_after_the_other() -> None:
    load = DEVICE.prefill(STORED, 512) / 2
    in_turn = statistics.mean(place * load for place in (1, 2, 3, 4))
    assert _mean_ttft(_slow_replica(0.5, Mode.LOAD_ONLY), 4) <= 1.1 * in_turn + DEVICE.prefill(NEW, 512)
