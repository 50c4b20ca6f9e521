"""Every law in every scenario, at the settings between which its mean attainment comes to what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from pathlib import Path
from statistics import fmean

from benchmarks.control.contenders import CONTENDERS, MOST, STATIC
from benchmarks.control.plays import Plays
from benchmarks.control.scenarios import DAY, MOVING, SCENARIOS, STEP, Scenario
from cake_engine.config import LiveConfig, Mode
from cake_simulator import hardware
from cake_simulator.result import Moment
from cake_simulator.seats import EngineLimits
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate
from cake_simulator.tally import Objective

PROFILE = "h100-llama-3.1-8b"
OBJECTIVE = Objective(ttft=2.0, prefill_factor=2.0, inter_token=0.1)
"""2 s and twice what the prompt takes alone: a plain 2 s cannot be met by the long ones on any fleet."""
START_REPLICAS_PER_RATE = 8
AT = 0.95
SHORTENED = 45.0
"""Seconds: half of the profile's, as weights are read from a claim and kernels were compiled before. An assumption."""
COLD_STARTS = (30.0, SHORTENED, 90.0, 300.0)
DRAWN = (STEP.name, DAY.name)
"""Scenarios whose course over time is kept."""


@dataclass(frozen=True)
class Run:
    """One simulated run.

    Attributes:
        contender: Name of the law.
        setting: Of its knob.
        scenario: Name of the traffic.
        seed: Of all chance.
        cold_start: Seconds until a new replica is ready.
        attainment: Share of the requests that got what they were promised.
        replica_hours: Of all pods, from creation to end.
        turns: How often the wanted number changed its direction.
        moments: The fleet over time; empty where it is not drawn.
    """

    contender: str
    setting: float
    scenario: str
    seed: int
    cold_start: float
    attainment: float
    replica_hours: float
    turns: int
    moments: Sequence[Moment] = ()


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
class Comparison:
    """What is played of every law.

    Attributes:
        plays: Plays it, and keeps what came of it.
        trace: Recorded requests.
        unit: Seconds of a scenario of length 1.
    """

    plays: Plays
    trace: Path
    unit: float

    def runs(self, cold_start: float, seeds: Sequence[int]) -> list[Run]:
        """Every law in all scenarios, at the settings that a search for the attainment by halves comes by."""
        left, found = {number: Search(one.settings) for number, one in enumerate(CONTENDERS)}, list[Run]()
        while left:
            asked = {number: search.next for number, search in left.items()}
            wave = self._wave(asked, SCENARIOS, [cold_start], seeds)
            found += wave
            for number, setting in asked.items():
                own = [r for r in wave if (r.contender, r.setting) == (CONTENDERS[number].name, setting)]
                left[number].tell(fmean(run.attainment for run in own) >= AT)
            left = {number: search for number, search in left.items() if not search.over}
        return found

    def cold_starts(self, settings: dict[str, float], cold_starts: Sequence[float], seeds: Sequence[int]) -> list[Run]:
        """Each law that starts any at the setting that it has, where the load moves, with starts of other lengths."""
        asked = {number: settings[one.name] for number, one in enumerate(CONTENDERS) if one.name != STATIC}
        return self._wave(asked, MOVING, cold_starts, seeds)

    def _wave(
        self,
        asked: dict[int, float],
        scenarios: Sequence[Scenario],
        cold_starts: Iterable[float],
        seeds: Iterable[int],
    ) -> list[Run]:
        jobs = [
            _Job(self.trace, self.unit, number, setting, SCENARIOS.index(scenario), cold_start, seed)
            for cold_start, seed, scenario, (number, setting) in product(cold_starts, seeds, scenarios, asked.items())
        ]
        return self.plays.all(_run, jobs)


@dataclass
class Search:
    """The setting from which on a law attains what is asked, by halves: it is taken for monotone.

    Attributes:
        settings: The most generous last.
    """

    settings: Sequence[float]
    _low: int = -1
    _high: int | None = None

    @property
    def next(self) -> float:
        """The setting to be played next."""
        return self.settings[self._middle]

    @property
    def over(self) -> bool:
        """Whether the settings on both sides have been played, as far as there are any."""
        return self._most - self._low == 1

    def tell(self, attained: bool) -> None:
        """What came of the setting that was next."""
        if attained:
            self._high = self._middle
        else:
            self._low = self._middle

    @property
    def _most(self) -> int:
        return len(self.settings) if self._high is None else self._high

    @property
    def _middle(self) -> int:
        return (self._low + self._most) // 2


@dataclass(frozen=True)
class _Job:
    trace: Path
    unit: float
    contender: int
    setting: float
    scenario: int
    cold_start: float
    seed: int


def _run(job: _Job) -> Run:
    contender, scenario = CONTENDERS[job.contender], replace(SCENARIOS[job.scenario], unit=job.unit)
    made = setup(scenario.rate(0.0), job.cold_start, job.seed, scenario.losses)
    made = contender.fitted(job.setting, made)
    policy = contender.make(job.setting, scenario, made)
    found = simulate(made, scenario.requests(job.trace, job.seed), policy)
    return Run(
        contender.name,
        job.setting,
        scenario.name,
        job.seed,
        job.cold_start,
        found.tally.attainment or 0.0,
        found.replica_hours,
        found.ends_turned,
        tuple(found.moments) if scenario.name in DRAWN and job.seed == 0 else (),
    )
