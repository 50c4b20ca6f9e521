"""What a claim that is too small should keep: least recently used against the compute that a chunk is expected to save.

One replica whose memory holds next to nothing, so that what the claim has lost is computed again; LRU, the store's own
law, and a claim without end, which no law can beat. What comes in the first third of a run is not compared: until a
claim is full all laws are the same, and what is asked for the first time is computed under all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from benchmarks.control.comparing import setup
from benchmarks.control.plays import Plays
from cake_simulator import trace
from cake_simulator.conversations import Reading, conversations
from cake_simulator.ended import Ended
from cake_simulator.file_tier import Leaving, least_recently_used, worth_least
from cake_simulator.policies.static import Static
from cake_simulator.simulation import simulate
from cake_simulator.trace import BLOCK_TOKENS, Request

MEMORY = 4 * 2**30
KV_TOKENS = 150_000
"""That the device holds: a larger prefix cache would hide what the claim has lost."""
READING = Reading(0.2, documents=40, document_tokens=(8_000, 32_000), turns=3.0, seed=1)
TRACE_RATE = 0.15
WARMING = 1 / 3
"""Part of a run before the requests that count."""


OURS, ENDLESS = "by value", "without end"
LAWS: Mapping[str, Leaving] = {"LRU": least_recently_used, OURS: worth_least}
ALL = (*LAWS, ENDLESS)


@dataclass(frozen=True)
class Workload:
    """What is asked, and how much of it the claim holds. The first of all is the one that is watched.

    Attributes:
        name: In words.
        share: Of all its blocks.
        goal: Mean TTFT over that of LRU.
        requests: By the trace's file and the length of a run.
    """

    name: str
    share: float
    goal: float
    requests: Callable[[Path, float], Iterator[Request]]


def _reading(_: Path, seconds: float) -> Iterator[Request]:
    return conversations(READING, seconds)


def _recorded(path: Path, seconds: float) -> Iterator[Request]:
    return trace.scaled(trace.repeated(path, seconds), TRACE_RATE)


WORKLOADS = (
    Workload("long documents, a fifth of the blocks", 0.2, 0.75, _reading),
    Workload("the trace, a tenth of the blocks", 0.1, 0.95, _recorded),
    Workload("the trace, half of the blocks", 0.5, 1.0, _recorded),
)


@dataclass(frozen=True)
class Retained:
    """One run.

    Attributes:
        workload: Its name.
        law: What leaves first.
        ttft_mean: Seconds, of the requests that count.
        loaded: Tokens of stored prefixes that were loaded.
    """

    workload: str
    law: str
    ttft_mean: float
    loaded: int


def played(plays: Plays, path: Path, seconds: float) -> list[Retained]:
    """Every law on every workload, and a claim without end."""
    return plays.all(_play, [(path, seconds, number, law) for number in range(len(WORKLOADS)) for law in ALL])


def _play(chosen: tuple[Path, float, int, str]) -> Retained:
    path, seconds, number, law = chosen
    workload = WORKLOADS[number]
    made = setup(0.0, 0.0, 0, ())
    blocks = {block for request in workload.requests(path, seconds) for block in request.blocks}
    chunk_bytes = made.hardware.kv_bytes_per_token * BLOCK_TOKENS
    held = len(blocks) * (workload.share if law != ENDLESS else 2.0)
    tier = replace(made.tiers[0], capacity_bytes=held * chunk_bytes, leaving=LAWS.get(law, least_recently_used))
    limits = replace(made.limits, kv_tokens=KV_TOKENS)
    made = replace(made, tiers=(tier,), memory_bytes=MEMORY, limits=limits, replicas=1)
    times: list[float] = []

    def told(ended: Ended) -> None:
        if ended.ttft is not None and ended.request.arrival >= WARMING * seconds:
            times.append(ended.ttft)

    found = simulate(made, workload.requests(path, seconds), Static(1), told)
    return Retained(workload.name, law, fmean(times), found.prefix_tokens["loaded"])


def over_lru(found: Sequence[Retained]) -> dict[str, float]:
    """By workload: mean TTFT of eviction by value over that of LRU."""
    mean = {(one.workload, one.law): one.ttft_mean for one in found}
    return {one.name: mean[one.name, OURS] / mean[one.name, "LRU"] for one in WORKLOADS}
