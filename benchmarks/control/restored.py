"""One replica that finds on storage what another pod has stored: the cells of the paper, and those of a real engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cake_engine.config import LiveConfig
from cake_simulator.device import Device
from cake_simulator.ended import Ended
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

TIER = "storage"
LEARNED_FROM = 8
"""Plays before the one that counts: by then an engine has learned what its steps and its reads take."""
APART = 500.0
"""Seconds between two plays: nothing is left to do when the next one begins."""
ENOUGH = 1e15
"""Bytes, of whatever is not what is compared."""


@dataclass(frozen=True)
class Prompt:
    """A request of a play.

    Attributes:
        stored: Tokens that another pod has stored.
        new: Tokens behind them.
    """

    stored: int
    new: int


@dataclass(frozen=True)
class Engine:
    """One replica, and where its prefixes are.

    Attributes:
        device: Step times.
        kv_bytes_per_token: Of its model.
        step_tokens: Token budget of a step.
        chunk_tokens: What is loaded at once.
        storage: How fast the tier is.
        live: The live configuration.
        aiming: Chooses meeting points.
        stored_last: Whether tokens of stored prefixes come after those of new text.
    """

    device: Device
    kv_bytes_per_token: int
    step_tokens: int
    chunk_tokens: int
    storage: TierSpeed
    live: LiveConfig
    aiming: Aiming = engines_own
    stored_last: bool = True


def seconds_to_first_token(engine: Engine, prompts: Sequence[Prompt]) -> list[float]:
    """Seconds of each of these prompts, which come at the same moment, in this order.

    They come again and again with other text. The first pod stores all of it and dies; it is the next one that is
    timed, at the last of its plays.
    """
    timed: dict[int, float] = {}

    def told(ended: Ended) -> None:
        if ended.ttft is None:
            raise RuntimeError(f"request {ended.request.number} got no token: {engine}")
        timed[ended.request.number] = ended.ttft

    requests = _plays(prompts, engine.chunk_tokens)
    simulate(_setup(engine), requests, Static(1), told)
    return [timed[request.number] for request in requests[-len(prompts) :]]


def _setup(engine: Engine) -> Setup:
    return Setup(
        hardware=Hardware(
            description="one replica",
            sources=(__name__,),
            device=engine.device,
            kv_bytes_per_token=engine.kv_bytes_per_token,
            kv_memory_bytes=ENOUGH,
            claim=engine.storage,
            scratch=engine.storage,
            cold_start_seconds=0.0,
        ),
        limits=EngineLimits(engine.step_tokens, seats=64, kv_tokens=10_000_000, stored_last=engine.stored_last),
        objective=Objective(),
        memory_bytes=ENOUGH,
        tiers=(TierSetup(TIER, engine.storage, 1000 * ENOUGH),),
        live=engine.live,
        losses=((LEARNED_FROM + 1) * APART,),
        aiming=engine.aiming,
        block_tokens=engine.chunk_tokens,
        interval=1e6,
        scraping=Scraping(interval=1e6),
    )


def _plays(prompts: Sequence[Prompt], chunk_tokens: int) -> list[Request]:
    """Every play once for the pod that stores, and once for the next one."""
    made: list[Request] = []
    chunks = [prompt.stored // chunk_tokens for prompt in prompts]
    for play in range(2 * (LEARNED_FROM + 1)):
        first = play % (LEARNED_FROM + 1) * sum(chunks)
        for prompt, length in zip(prompts, chunks, strict=True):
            arrival = APART * (play + (play > LEARNED_FROM))
            text = tuple(range(first, first + length))
            made.append(Request(len(made), arrival, prompt.stored + prompt.new, 1, text))
            first += length
    return made
