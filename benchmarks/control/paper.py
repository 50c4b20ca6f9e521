"""The paper's cells on the simulator: its own algorithm, and ours, beside its numbers.

Each cell is one pod that finds a prefix of 16K tokens on storage and computes one new token behind it. The time of
computing all and of loading all follow from the paper's pair of speed-ups (`benchmarks.core.paper`); the time of a step
with nothing in it is that of reading the weights, which the paper does not print.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.control.restored import Engine, Prompt, seconds_to_first_token
from benchmarks.core.paper import CELLS, CHUNK, GIBI_PER_GBPS, KIB, LOAD_CHUNK, PROMPT, RISE, SHORT, PaperCell
from cake_engine.config import LiveConfig, Mode
from cake_engine.core.meeting import Aim, Costs
from cake_engine.core.plan import Plan
from cake_simulator.device import Device
from cake_simulator.file_tier import TierSpeed
from cake_simulator.loading import Aiming, engines_own

BASES = {
    "13B, A100": 0.0128,
    "13B, H100": 0.0078,
    "13B, 2xA100": 0.0064,
    "Llama-8B": 0.0048,
    "Llama-70B": 0.0171,
}
"""Seconds that the weights (16 bit) take through the devices' memory: 2.04 TB/s of an A100, 3.35 of an H100; the 8B on
one H100 and the 70B on four A100 are assumed."""
FIGURE_6 = 1.5, 1.19
"""Mean seconds to the first token of a 16K prompt and 22 short ones: by arrival, and with stored prefixes last."""
FIGURE_6_CELL = next(cell for cell in CELLS if cell.what == "Llama-8B (GQA), 32 Gbps")
"""The only one whose long prompt takes so little that all 23, served by arrival, have their first token in 1.5 s."""
SHORT_TOKENS = 1940
"""Of a short prompt: with so many, all 23 take the paper's 1.5 s on average by arrival."""


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
    load, compute, ours = (_alone(cell, mode) for mode in (Mode.LOAD_ONLY, Mode.COMPUTE_ONLY, Mode.ADAPTIVE))
    theirs = _alone(cell, Mode.ADAPTIVE, two_pointers)
    return Reproduced(cell, (load / theirs, compute / theirs), (load / ours, compute / ours))


@dataclass(frozen=True)
class Figure6:
    """Mean seconds to the first token of a long stored prompt and many short new ones, all at once, the long one first.

    Attributes:
        by_arrival: Tokens of a step go to whoever came first.
        stored_last: Tokens of stored prefixes come after those of new text.
    """

    by_arrival: float
    stored_last: float

    @property
    def speed_up(self) -> float:
        """Of the second over the first."""
        return self.by_arrival / self.stored_last

    @property
    def error(self) -> float:
        """Relative, of that speed-up."""
        return abs(self.speed_up / (FIGURE_6[0] / FIGURE_6[1]) - 1)


def figure_6() -> Figure6:
    """Both orders, with the paper's algorithm."""
    prompts = [Prompt(PROMPT, 1), *[Prompt(0, SHORT_TOKENS)] * SHORT]
    means = []
    for stored_last in (False, True):
        engine = _engine(FIGURE_6_CELL, Mode.ADAPTIVE, two_pointers, stored_last=stored_last)
        seconds = seconds_to_first_token(engine, prompts)
        means.append(sum(seconds) / len(seconds))
    return Figure6(*means)


def device(cell: PaperCell) -> Device:
    """A device that computes all of the prompt in the time that follows from the paper's pair."""
    base = next(seconds for name, seconds in BASES.items() if cell.what.startswith(name))
    loading = PROMPT * cell.kib_per_token * KIB / (cell.gbps * GIBI_PER_GBPS)
    computing = loading * cell.over_compute / cell.over_load - PROMPT // CHUNK * base
    token = computing / (PROMPT * (1 + RISE * PROMPT / 2))
    return Device(base=base, token=token, slope=token * RISE)


def _alone(cell: PaperCell, mode: Mode, aiming: Aiming = engines_own) -> float:
    [seconds] = seconds_to_first_token(_engine(cell, mode, aiming), [Prompt(PROMPT, 1)])
    return seconds


def _engine(cell: PaperCell, mode: Mode, aiming: Aiming, *, stored_last: bool = True) -> Engine:
    return Engine(
        device=device(cell),
        kv_bytes_per_token=round(cell.kib_per_token * KIB),
        step_tokens=CHUNK,
        # Algorithm 1 looks whether the next chunk is there after each of its steps. A step that has begun is computed
        # whole, whatever of it is loaded meanwhile: as if that were loaded a step's tokens at once.
        chunk_tokens=CHUNK if aiming is two_pointers else LOAD_CHUNK,
        storage=TierSpeed(bytes_per_second=cell.gbps * GIBI_PER_GBPS, latency=0.0, readers=1),
        live=LiveConfig(mode=mode),
        aiming=aiming,
        stored_last=stored_last,
    )
