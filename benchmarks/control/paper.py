"""The paper's cells on the simulator: its own algorithm, and ours, beside its numbers.

Each cell is one pod that finds a prefix of 16K tokens on storage and computes one new token behind it. The time of
computing all and of loading all follow from the paper's pair of speed-ups (`benchmarks.core.paper`); the time of a step
with nothing in it is that of reading the weights, which the paper does not print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.core.paper import CELLS, CHUNK, GIBI_PER_GBPS, KIB, LOAD_CHUNK, PROMPT, RISE, PaperCell
from cake_engine.config import LiveConfig, Mode
from cake_engine.core.meeting import Aim, Costs
from cake_engine.core.plan import Plan
from cake_simulator.device import Device
from cake_simulator.file_tier import TierSpeed
from cake_simulator.hardware import Hardware
from cake_simulator.loading import Aiming, engines_own
from cake_simulator.policies.static import Static
from cake_simulator.scraping import Scraping
from cake_simulator.seats import EngineLimits
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate
from cake_simulator.tally import Objective
from cake_simulator.trace import Request

BASES = {
    "13B, A100": 0.0128,
    "13B, H100": 0.0078,
    "13B, 2xA100": 0.0064,
    "Llama-8B": 0.0048,
    "Llama-70B": 0.0171,
}
"""Seconds that the weights (16 bit) take through the devices' memory: 2.04 TB/s of an A100, 3.35 of an H100; the 8B on
one H100 and the 70B on four A100 are assumed."""
LEARNED_FROM = 8
"""Prompts of the same kind before the one that counts."""
FAR = 200.0
"""Seconds between prompts: nothing is left to do when the next one comes."""


def two_pointers(plan: Plan, at: int, live: LiveConfig, costs: Costs) -> Aim:  # noqa: ARG001 - the form of an aim
    """The paper's Algorithm 1: compute what is not there yet, load from the end what compute has not reached."""
    return Aim(plan.end, plan.first)


@dataclass(frozen=True)
class Reproduced:
    """A cell: speed-ups over loading all and over computing all.

    Attributes:
        cell: With the paper's.
        paper_algorithm: Of Algorithm 1 on the simulator.
        ours: Of the engine's own aim on the simulator.
    """

    cell: PaperCell
    paper_algorithm: tuple[float, float]
    ours: tuple[float, float]

    @property
    def error(self) -> float:
        """The larger relative error of Algorithm 1's two speed-ups."""
        pairs = zip(self.paper_algorithm, (self.cell.over_load, self.cell.over_compute), strict=True)
        return max(abs(found / said - 1) for found, said in pairs)


def cells() -> list[Reproduced]:
    """Every cell of Tables 3, 5 and 6."""
    return [_reproduce(cell) for cell in CELLS]


def _reproduce(cell: PaperCell) -> Reproduced:
    load = _seconds(cell, Mode.LOAD_ONLY, engines_own)
    compute = _seconds(cell, Mode.COMPUTE_ONLY, engines_own)
    theirs = _seconds(cell, Mode.ADAPTIVE, two_pointers)
    ours = _seconds(cell, Mode.ADAPTIVE, engines_own)
    return Reproduced(cell, (load / theirs, compute / theirs), (load / ours, compute / ours))


def device(cell: PaperCell) -> Device:
    """A device that computes all of the prompt in the time that follows from the paper's pair."""
    base = next(seconds for name, seconds in BASES.items() if cell.what.startswith(name))
    loading = PROMPT * cell.kib_per_token * KIB / (cell.gbps * GIBI_PER_GBPS)
    computing = loading * cell.over_compute / cell.over_load - PROMPT // CHUNK * base
    token = computing / (PROMPT * (1 + RISE * PROMPT / 2))
    return Device(base=base, token=token, slope=token * RISE)


def _seconds(cell: PaperCell, mode: Mode, aiming: Aiming) -> float:
    """Time to the first token of the last of some prompts, each of which another pod has stored before."""
    speed = TierSpeed(bytes_per_second=cell.gbps * GIBI_PER_GBPS, latency=0.0, readers=1)
    hardware = Hardware(
        description=cell.what,
        sources=("the paper",),
        device=device(cell),
        kv_bytes_per_token=round(cell.kib_per_token * KIB),
        kv_memory_bytes=1e15,
        claim=speed,
        scratch=speed,
        cold_start_seconds=0.0,
    )
    setup = Setup(
        hardware=hardware,
        limits=EngineLimits(step_tokens=CHUNK, seats=64, kv_tokens=10_000_000),
        objective=Objective(),
        memory_bytes=1e15,
        tiers=(TierSetup("storage", speed, 1e18),),
        live=LiveConfig(mode=mode),
        losses=((LEARNED_FROM + 1) * FAR,),
        aiming=aiming,
        block_tokens=LOAD_CHUNK,
        interval=1e6,
        scraping=Scraping(interval=1e6),
    )
    return _last(setup, _prompts())


def _prompts() -> Sequence[Request]:
    """Each prompt once for the pod that stores it, and once for the next one."""
    blocks = PROMPT // LOAD_CHUNK
    made = []
    for number in range(2 * (LEARNED_FROM + 1)):
        which = number % (LEARNED_FROM + 1)
        own = tuple(range(which * blocks, (which + 1) * blocks))
        made.append(Request(number, FAR * (number + (number > LEARNED_FROM)), PROMPT + 1, 1, own))
    return made


def _last(setup: Setup, requests: Sequence[Request]) -> float:
    seconds: list[float] = []
    simulate(setup, requests, Static(1), told=_noting(seconds))
    return seconds[-1]


def _noting(seconds: list[float]) -> Callable[..., None]:
    return lambda ended: seconds.append(ended.ttft)
