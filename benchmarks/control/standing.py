"""What a law needs at one setting for all scenarios, between two that were played in proportion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import fmean

from benchmarks.control.comparing import AT, Run


@dataclass(frozen=True)
class Standing:
    """A law at one setting, the mean over the seeds.

    Attributes:
        setting: Of its knob; where it lies between two, the more generous one.
        attainments: By scenario.
        hours: Replica-hours by scenario.
    """

    setting: float
    attainments: Mapping[str, float]
    hours: Mapping[str, float]

    @property
    def attainment(self) -> float:
        """The mean over the scenarios."""
        return fmean(self.attainments.values())

    @property
    def replica_hours(self) -> float:
        """Of all scenarios together."""
        return sum(self.hours.values())

    def towards(self, other: Standing, share: float) -> Standing:
        """The point between two settings: of the other one, this share of the time."""

        def between(mine: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
            return {name: (1 - share) * value + share * others[name] for name, value in mine.items()}

        return Standing(other.setting, between(self.attainments, other.attainments), between(self.hours, other.hours))


def standings(found: Sequence[Run], contender: str, scenarios: Sequence[str]) -> list[Standing]:
    """A law's settings over these scenarios, from the fewest replica-hours on."""
    made = []
    for setting in {run.setting for run in found if run.contender == contender}:
        own = [run for run in found if (run.contender, run.setting) == (contender, setting)]
        by_scenario = {name: [run for run in own if run.scenario == name] for name in scenarios}
        attainments = {name: fmean(run.attainment for run in runs) for name, runs in by_scenario.items()}
        hours = {name: fmean(run.replica_hours for run in runs) for name, runs in by_scenario.items()}
        made.append(Standing(setting, attainments, hours))
    return sorted(made, key=lambda one: one.replica_hours)


def standing_at(standing: Sequence[Standing], attainment: float = AT) -> Standing | None:
    """The fewest replica-hours for an attainment, between two settings in proportion; None where none reaches it."""
    reached = [one for one in standing if one.attainment >= attainment]
    for low, high in pairwise(standing):
        if low.attainment < attainment <= high.attainment:
            reached.append(low.towards(high, (attainment - low.attainment) / (high.attainment - low.attainment)))
    return min(reached, key=lambda one: one.replica_hours, default=None)


def closest(standing: Sequence[Standing], attainment: float = AT) -> Standing:
    """The played setting that a user of the law would take: the cheapest that attains it, or else what attains most."""
    return min(
        standing,
        key=lambda one: (one.replica_hours, 0.0) if one.attainment >= attainment else (inf, -one.attainment),
    )
