"""Two deployments on one claim, with writes: no law at all, the best of many fixed settings, and ours.

Ours are the engine's writes, which give way, and the operator's tuner; fixed settings have neither.

The model is the paper's, whose KV is large (800 KiB a token): a claim of 4 GB/s is short for six replicas of it. Fleets
stay as they are, so that nothing but the knobs is compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import inf
from statistics import fmean, geometric_mean
from typing import Any

from benchmarks.control.plays import Plays
from cake_engine.config import LiveConfig
from cake_operator.api import BalanceSpec
from cake_operator.policy.laws import Laws
from cake_simulator import hardware
from cake_simulator.conversations import Reading, conversations
from cake_simulator.ended import Ended
from cake_simulator.policies.static import Static
from cake_simulator.policies.tuning import Balance
from cake_simulator.seats import EngineLimits
from cake_simulator.serving import Served
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate_together
from cake_simulator.tally import Objective, Percentiles

TIER = "shared"
MOVING = "load moves from one to the other"
PROFILE = "h100-longalpaca-13b"
CLAIM = 4e9
REPLICAS = 3
BLOCK_TOKENS = 256
MEMORY = 32 * 2**30
MINUTE = 60.0
SEEDS = 3
DEFAULT, OURS = "default: nothing read ahead", "ours: writes give way, tuned"
UNTUNED = "ours without the tuner"


def _fixed(**knobs: Any) -> LiveConfig:
    return LiveConfig(write_rest=0.0, **knobs)


def _capped(share: float, megabytes: float) -> LiveConfig:
    return _fixed(prefetch_share=share, write_bandwidth_bytes_per_second={TIER: 1e6 * megabytes})


SETTINGS: Mapping[str, LiveConfig] = {
    DEFAULT: _fixed(prefetch_share=0.0),
    "read ahead": _fixed(),
    "read ahead, no load under 2048 tokens": _fixed(minimum_load_tokens=2048),
    "read ahead, retained from 0.2": _fixed(retain_from=0.2),
    "read ahead, half the tokens to prefixes": _fixed(prefix_token_share=0.5),
    "read ahead, 600 MB/s of writes a pod": _capped(0.5, 600),
    "read ahead, 200 MB/s of writes a pod": _capped(0.5, 200),
    "600 MB/s of writes a pod": _capped(0.0, 600),
}
"""What is fixed for a whole run, in both deployments; the first is everything at default."""
ALL = (*SETTINGS, UNTUNED, OURS)

_READERS = Reading(
    0.25, documents=30, document_tokens=(6_000, 16_000), thinking_seconds=30.0, block_tokens=BLOCK_TOKENS
)
_WRITERS = replace(
    _READERS, conversations_per_second=0.6, documents=10**5, document_tokens=(2_000, 8_000), popularity=0.0, turns=2.0
)

CASES: Mapping[str, Callable[[float], tuple[Reading, Reading]]] = {
    "readers beside writers": lambda _: (_READERS, _WRITERS),
    "both read and write": lambda _: (_READERS, _READERS),
    MOVING: lambda seconds: (
        replace(_READERS, course=lambda at: 1.0 if at < seconds / 2 else 0.3),
        replace(_READERS, course=lambda at: 0.3 if at < seconds / 2 else 1.0),
    ),
}
"""What the two are asked, by the length of a run."""


@dataclass(frozen=True)
class Turned:
    """A change of the knobs.

    Attributes:
        at: Seconds after the start, when it was written.
        deployment: 0 or 1.
        write_bandwidth: Bytes per second that each pod may write from then on; None without a cap.
        retain_from: Fraction of a prefix.
    """

    at: float
    deployment: int
    write_bandwidth: float | None
    retain_from: float


@dataclass
class _Times:
    """Times to the first token of both deployments: of all requests, and by the minute of their arrival."""

    whole: Percentiles = field(default_factory=Percentiles)
    minutes: defaultdict[int, Percentiles] = field(default_factory=lambda: defaultdict(Percentiles))

    def told(self, ended: Ended) -> None:
        if ended.ttft is not None:
            self.whole.add(ended.ttft)
            self.minutes[int(ended.request.arrival / MINUTE)].add(ended.ttft)

    def course(self) -> tuple[float | None, ...]:
        return tuple(self.minutes[minute].at(90) for minute in range(1 + max(self.minutes, default=-1)))


@dataclass(frozen=True)
class Contended:
    """One run.

    Attributes:
        case: What the two are asked.
        setting: Name of the fixed setting, or ours.
        seed: Of the conversations.
        ttft_p90: Seconds, of the requests of both.
        ttft_mean: Seconds.
        attainment: Share of the requests that got what they were promised.
        turned: How often knobs were changed.
        course: The 90th percentile of the requests that came in each minute; None where none did.
        knobs: Every change of them, in both deployments.
    """

    case: str
    setting: str
    seed: int
    ttft_p90: float
    ttft_mean: float
    attainment: float
    turned: int
    course: tuple[float | None, ...] = ()
    knobs: tuple[Turned, ...] = ()


def played(plays: Plays, seconds: float) -> list[Contended]:
    """Every setting in every case, ours the last of each, with several seeds."""
    return plays.all(_play, [(*chosen, seconds) for chosen in product(CASES, ALL, range(SEEDS))])


def _play(chosen: tuple[str, str, int, float]) -> Contended:
    case, setting, seed, seconds = chosen
    times = _Times()
    deployments = [
        _deployment(replace(reading, seed=10 * seed + number), setting, seconds, times.told)
        for number, reading in enumerate(CASES[case](seconds))
    ]
    found = simulate_together(deployments)
    attained = sum(one.tally.attained for one in found) / sum(one.tally.ended for one in found)
    knobs = tuple(
        Turned(at, number, live.write_bandwidth_bytes_per_second.get(TIER), live.retain_from)
        for number, one in enumerate(found)
        for at, live in one.turned
    )
    p90, mean = times.whole.at(90) or inf, times.whole.mean or inf
    return Contended(case, setting, seed, p90, mean, attained, len(knobs), times.course(), knobs)


def _deployment(reading: Reading, setting: str, seconds: float, told: Callable[[Ended], None]) -> Served:
    profile = hardware.load(PROFILE)
    speed = profile.claim.model_copy(update={"bytes_per_second": CLAIM})
    made = Setup(
        hardware=profile,
        limits=EngineLimits(profile.step_tokens, profile.seats, profile.kv_tokens),
        objective=Objective(ttft=2.0, prefill_factor=2.0, inter_token=0.1),
        memory_bytes=MEMORY,
        tiers=(TierSetup(TIER, speed, 2.0 * 2**40),),
        live=SETTINGS.get(setting, LiveConfig()),
        replicas=REPLICAS,
        most=REPLICAS,
        block_tokens=BLOCK_TOKENS,
        seed=reading.seed,
    )
    tuner = Balance(BalanceSpec(), [TIER], Laws.of(made.sampling).tuning) if setting == OURS else None
    return Served(made, conversations(reading, seconds), Static(REPLICAS), tuner, told)


@dataclass(frozen=True)
class Pooled:
    """A setting in a case: means over all seeds, in seconds, and changes of the knobs."""

    ttft_p90: float
    ttft_mean: float
    turned: float


def pooled(found: Sequence[Contended], case: str, setting: str) -> Pooled:
    """What a setting came to in a case."""
    runs = [one for one in found if (one.case, one.setting) == (case, setting)]
    p90, mean, turned = ([getattr(one, name) for one in runs] for name in ("ttft_p90", "ttft_mean", "turned"))
    return Pooled(fmean(p90), fmean(mean), fmean(turned))


def over_default(found: Sequence[Contended]) -> dict[str, float]:
    """By case: the 90th percentile of ours over that with everything at default."""
    return {case: pooled(found, case, OURS).ttft_p90 / pooled(found, case, DEFAULT).ttft_p90 for case in CASES}


def over_best_fixed(found: Sequence[Contended]) -> dict[str, float]:
    """By case: the same over the fixed setting with the lowest one."""
    best = {case: min(pooled(found, case, setting).ttft_p90 for setting in SETTINGS) for case in CASES}
    return {case: pooled(found, case, OURS).ttft_p90 / best[case] for case in CASES}


def figures(found: Sequence[Contended]) -> dict[str, float]:
    """Over the default in geometric mean; over the best fixed setting, where nothing changes at worst."""
    best = over_best_fixed(found)
    return {
        "contention_ttft_p90_vs_default": geometric_mean(over_default(found).values()),
        "contention_ttft_p90_vs_best_fixed": max(ratio for case, ratio in best.items() if case != MOVING),
        "contention_ttft_p90_vs_best_fixed_moving": best[MOVING],
    }
