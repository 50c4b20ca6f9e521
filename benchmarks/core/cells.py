"""The benchmark's random cells: what is played, how it is counted, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import geometric_mean, quantiles

from benchmarks.core.oracle import possible
from benchmarks.core.random_worlds import CURVES, Curve, Rates, draw, paced
from benchmarks.core.virtual_clock import Knowledge, run
from benchmarks.core.worlds import World
from cake_engine.core.cost import Span


@dataclass(frozen=True)
class Goal:
    """What every request of a cell has to keep.

    Attributes:
        oracle: Times the oracle, plus one chunk.
        single: Times the better single resource, plus nothing.
    """

    oracle: float
    single: float = 1.03


STEADY, CHANGING = Goal(oracle=1.02), Goal(oracle=1.10)


@dataclass(frozen=True)
class Played:
    """One request of a cell.

    Attributes:
        over_oracle: Its seconds less one chunk, over the oracle's.
        plain_over_oracle: Its seconds over the oracle's, nothing taken off.
        over_single: Its seconds over the better single resource's, nothing taken off.
        meeting_error: Chunks between the meeting point that was predicted at its start and the one that came about;
            None where nothing was predicted.
        world: Where it was played, for who wants to look at it.
    """

    over_oracle: float
    plain_over_oracle: float
    over_single: float
    meeting_error: int | None
    world: World


@dataclass(frozen=True)
class Condition:
    """What a cell is played under.

    Attributes:
        rates: How speeds behave.
        knowledge: What the policy knows at the start.
        goal: What is asked of every request.
        known_misses: Share of requests that are known to miss it, for the cause that the report names: more is a fault.
    """

    rates: Rates
    knowledge: Knowledge
    goal: Goal
    known_misses: float = 0.0


CONDITIONS = (
    Condition("steady", Knowledge.GIVEN, STEADY, known_misses=0.05),
    Condition("steady", Knowledge.TAUGHT, STEADY, known_misses=0.1),
    Condition("steady", Knowledge.COLD, STEADY, known_misses=0.25),
    Condition("fluctuating", Knowledge.TAUGHT, CHANGING, known_misses=0.1),
    Condition("compute x3", Knowledge.TAUGHT, CHANGING, known_misses=0.35),
    Condition("compute /3", Knowledge.TAUGHT, CHANGING, known_misses=0.1),
    Condition("loads x3", Knowledge.TAUGHT, CHANGING, known_misses=0.1),
    Condition("loads /3", Knowledge.TAUGHT, CHANGING, known_misses=0.25),
)


@dataclass(frozen=True)
class Cell:
    """Requests that were played under one condition."""

    curve: Curve
    condition: Condition
    played: Sequence[Played]

    @property
    def goal(self) -> Goal:
        """What is asked of each."""
        return self.condition.goal

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.curve}, {self.condition.rates}, {self.condition.knowledge.name.lower()}"

    @property
    def missed_share(self) -> float:
        """Share of requests that miss the goal in one way or the other."""
        goal = self.goal
        missed = sum(one.over_oracle > goal.oracle or one.over_single > goal.single for one in self.played)
        return missed / len(self.played)

    def figures(self) -> dict[str, float]:
        """The cell as numbers: of all requests, how far from the oracle and from the better single resource."""
        plain = [one.plain_over_oracle for one in self.played]
        net = [one.over_oracle for one in self.played]
        single = [one.over_single for one in self.played]
        errors = [one.meeting_error for one in self.played if one.meeting_error is not None]
        return {
            "requests": len(self.played),
            "over_oracle_geomean": geometric_mean(plain),
            "over_oracle_p99": quantiles(plain, n=100)[98],
            "less_one_chunk_worst": max(net),
            "less_one_chunk_goal": self.goal.oracle,
            "less_one_chunk_missed_share": sum(one > self.goal.oracle for one in net) / len(net),
            "over_single_geomean": geometric_mean(single),
            "over_single_worst": max(single),
            "over_single_goal": self.goal.single,
            "over_single_missed_share": sum(one > self.goal.single for one in single) / len(single),
            "meeting_within_one_chunk_share": sum(e <= 1 for e in errors) / len(errors) if errors else float("nan"),
        }


def play(requests: int, seed: int = 1) -> list[Cell]:
    """Play every cell with so many requests; the same worlds in each condition."""
    cells = []
    for curve in CURVES:
        for condition in CONDITIONS:
            random = Random(f"{seed} {curve}")
            worlds = [draw(random, curve) for _ in range(requests)]
            chance = Random(f"{seed} {curve} {condition.rates}")
            played = [_one(paced(chance, world, condition.rates), condition.knowledge) for world in worlds]
            cells.append(Cell(curve, condition, played))
    return cells


def chunk_seconds(world: World) -> float:
    """What is granted as "one chunk": one stored chunk, loaded or computed in a step of its own, the longer of both."""
    last = world.device.step([Span(world.end - world.chunk_tokens, world.end)], world.decoding)
    return max(last, *(tier.chunk_seconds for tier in world.tiers.values()))


def _one(world: World, knowledge: Knowledge) -> Played:
    best, served = possible(world), run(world, knowledge=knowledge)
    outcome = served.outcome
    assert outcome is not None
    return Played(
        over_oracle=(served.seconds - chunk_seconds(world)) / best.oracle,
        plain_over_oracle=served.seconds / best.oracle,
        over_single=served.seconds / best.better_single,
        meeting_error=None if served.predicted is None else abs(served.predicted - outcome.computed),
        world=world,
    )
