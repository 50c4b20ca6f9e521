"""Every law at every setting in every scenario: how many replica-hours its attainment takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import ceil
from pathlib import Path

from benchmarks.control.contenders import CONTENDERS, MOST, STATIC
from benchmarks.control.scenarios import SCENARIOS
from cake_engine.config import LiveConfig, Mode
from cake_simulator import hardware
from cake_simulator.seats import EngineLimits
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate
from cake_simulator.tally import Objective

PROFILE = "h100-llama-3.1-8b"
OBJECTIVE = Objective(ttft=2.0, prefill_factor=2.0, inter_token=0.1)
"""2 s and twice what the prompt takes alone: a plain 2 s cannot be met by the long ones on any fleet."""
START_REPLICAS_PER_RATE = 10
AT = 0.95


@dataclass(frozen=True)
class Run:
    """One simulated run.

    Attributes:
        contender: Name of the law.
        setting: Of its knob.
        scenario: Name of the traffic.
        attainment: Share of the requests that got what they were promised.
        replica_hours: Of all pods, from creation to end.
        turns: How often the wanted number changed its direction.
    """

    contender: str
    setting: float
    scenario: str
    attainment: float
    replica_hours: float
    turns: int


@dataclass(frozen=True)
class Standing:
    """A law at one setting over several scenarios: mean attainment, all replica-hours."""

    setting: float
    attainment: float
    replica_hours: float


def setup(rate: float, cold_start: float, seed: int, losses: tuple[float, ...]) -> Setup:
    """A fleet of H100s with a claim of 4 GiB/s that starts with what its first minute needs."""
    profile = hardware.load(PROFILE).model_copy(update={"cold_start_seconds": cold_start})
    return Setup(
        hardware=profile,
        limits=EngineLimits(profile.step_tokens, profile.seats, profile.kv_tokens),
        objective=OBJECTIVE,
        tiers=(TierSetup("shared", profile.claim, 2.0 * 2**40),),
        live=LiveConfig(mode=Mode.ADAPTIVE),
        replicas=max(1, ceil(START_REPLICAS_PER_RATE * rate)),
        most=MOST,
        losses=losses,
        seed=seed,
    )


@dataclass(frozen=True)
class _Job:
    trace: Path
    seconds: float
    contender: int
    setting: float
    scenario: int
    cold_start: float
    seed: int

    def run(self) -> Run:
        contender, scenario = CONTENDERS[self.contender], replace(SCENARIOS[self.scenario], seconds=self.seconds)
        made = setup(scenario.rate(0.0), self.cold_start, self.seed, scenario.losses)
        if contender.name == STATIC:
            made = replace(made, replicas=int(self.setting))
        policy = contender.make(self.setting, scenario, made)
        found = simulate(made, scenario.requests(self.trace, self.seed), policy)
        attained = found.tally.attainment or 0.0
        return Run(contender.name, self.setting, scenario.name, attained, found.replica_hours, found.ends_turned)


def runs(trace: Path, seconds: float, cold_start: float, seeds: Iterable[int], jobs: int) -> Iterator[Run]:
    """Play all, as they come."""
    chosen = [
        _Job(trace, seconds, number, setting, scenario, cold_start, seed)
        for seed, (number, contender), scenario in product(seeds, enumerate(CONTENDERS), range(len(SCENARIOS)))
        for setting in contender.settings
    ]
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_Job.run, chosen)


def standings(found: Sequence[Run], contender: str, scenarios: Sequence[str]) -> list[Standing]:
    """A law's settings over these scenarios, from the fewest replica-hours on."""
    made = []
    for setting in {run.setting for run in found if run.contender == contender}:
        own = [r for r in found if (r.contender, r.setting) == (contender, setting) and r.scenario in scenarios]
        attained = sum(run.attainment for run in own) / len(own)
        made.append(Standing(setting, attained, sum(run.replica_hours for run in own)))
    return sorted(made, key=lambda one: one.replica_hours)


def hours_at(standing: Sequence[Standing], attainment: float = AT) -> float | None:
    """Replica-hours for an attainment, between two settings in proportion; None where no setting reaches it."""
    best: float | None = None
    for one in standing:
        if one.attainment >= attainment:
            best = one.replica_hours if best is None else min(best, one.replica_hours)
    for low, high in pairwise(standing):
        if low.attainment < attainment <= high.attainment:
            share = (attainment - low.attainment) / (high.attainment - low.attainment)
            between = low.replica_hours + share * (high.replica_hours - low.replica_hours)
            best = between if best is None else min(best, between)
    return best


def all_hours(found: Sequence[Run], scenarios: Sequence[str]) -> Mapping[str, float | None]:
    """By law: replica-hours at one setting for all of these scenarios at a mean attainment of 95%."""
    return {one.name: hours_at(standings(found, one.name, scenarios)) for one in CONTENDERS}
