"""What the comparison of scaling laws found: figures, rows of the page, and drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import geometric_mean
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.control.comparing import AT, DRAWN, OBJECTIVE, Run
from benchmarks.control.contenders import CONTENDERS, ORACLE, OURS, STATIC
from benchmarks.control.scenarios import DAY, FLAT, MOVING, SCENARIOS, STEP
from benchmarks.control.standing import Standing, closest, standing_at, standings
from benchmarks.pages import svg_of

NAMES = [scenario.name for scenario in SCENARIOS]
COLOURS = ("#777777", "#4878a8", "#8e6bb0", "#c06090", "#b5651d", "#c2a83e", "#2e7d32", "#b0b0b0")
OVER_TIME = ("KEDA, in flight", OURS, ORACLE)


@dataclass(frozen=True)
class Scaled:
    """All runs of all laws.

    Attributes:
        runs: Every law in every scenario, at the settings that were played.
        cold: Each law at one setting, with starts of other lengths.
        cold_start: Seconds of a start in `runs`.
    """

    runs: Sequence[Run]
    cold: Sequence[Run]
    cold_start: float

    @cached_property
    def standings(self) -> Mapping[str, Sequence[Standing]]:
        """By law: its settings over all scenarios."""
        return {one.name: standings(self.runs, one.name, NAMES) for one in CONTENDERS}

    @cached_property
    def at(self) -> Mapping[str, Standing | None]:
        """By law: the point at which the mean attainment is what is asked; None where no setting comes to it."""
        return {name: standing_at(found) for name, found in self.standings.items()}

    @property
    def settings(self) -> dict[str, float]:
        """By law: the played setting that its user would take."""
        return {name: closest(found).setting for name, found in self.standings.items()}

    def figures(self) -> dict[str, float | None]:
        """The figures that are watched: None where a law comes to the attainment at none of its settings."""
        rivals = [one for name, one in self.at.items() if name not in (OURS, ORACLE, STATIC) and one is not None]
        best = min(rivals, key=lambda one: one.replica_hours, default=None)
        return {
            "replica_hours_vs_best_baseline_at_95": _over(self.at[OURS], best, NAMES),
            "replica_hours_vs_static": _over(self.at[OURS], self.at[STATIC], NAMES),
            "replica_hours_vs_oracle_flat": self._over_oracle([one.name for one in FLAT]),
            "replica_hours_vs_oracle_diurnal": self._over_oracle([DAY.name]),
            "replica_hours_vs_oracle_step": self._over_oracle([STEP.name]),
        }

    def _over_oracle(self, scenarios: Sequence[str]) -> float | None:
        """The geometric mean over scenarios of what both take at their one setting."""
        ratios = [_over(self.at[OURS], self.at[ORACLE], [name]) for name in scenarios]
        return None if None in ratios else geometric_mean(ratio for ratio in ratios if ratio is not None)

    def rows(self) -> list[dict[str, Any]]:
        """A row a law: at the attainment, or at the setting that comes closest to it."""
        rows = []
        for one in CONTENDERS:
            at = self.at[one.name]
            flat = [r.turns for r in self.runs if r.contender == one.name and r.scenario in {s.name for s in FLAT}]
            shown = at or closest(self.standings[one.name])
            rows.append({"law": one, "at": shown, "reached": at is not None, "turns": max(flat, default=0)})
        return rows

    @property
    def starts(self) -> list[float]:
        """Seconds of a start that were played, the shortest first."""
        return sorted({self.cold_start, *(run.cold_start for run in self.cold)})

    def cold_rows(self) -> list[tuple[str, float, list[Standing]]]:
        """A row a law: its setting, and for each start what it attains where the load moves."""
        moving, rows = [one.name for one in MOVING], []
        for name, setting in self.settings.items():
            usual = [run for run in self.runs if (run.contender, run.setting, run.seed) == (name, setting, 0)]
            others = [[run for run in self.cold if (run.contender, run.cold_start) == (name, s)] for s in self.starts]
            rows.append((name, setting, [standings(found or usual, name, moving)[0] for found in others]))
        return rows

    def document(self) -> dict[str, Any]:
        """The runs, for a file of JSON."""
        return {"runs": [_plain(run) for run in self.runs], "cold_starts": [_plain(run) for run in self.cold]}

    def over_hours(self) -> str:
        """Mean attainment over replica-hours, a line a law, a point a setting."""
        with rc_context({"svg.hashsalt": "control", "svg.fonttype": "none"}):
            figure = Figure(figsize=(8, 4.5), layout="constrained")
            axes = figure.subplots()
            for contender, colour in zip(CONTENDERS, COLOURS, strict=True):
                points = self.standings[contender.name]
                hours, attained = [one.replica_hours for one in points], [100 * one.attainment for one in points]
                axes.plot(hours, attained, "o-", color=colour, markersize=4, linewidth=1, label=contender.name)
            axes.axhline(100 * AT, color="#b71c1c", linewidth=0.8)
            axes.set_xlabel("replica-hours, all scenarios")
            axes.set_ylabel("mean attainment (%)")
            axes.grid(alpha=0.3)
            axes.legend(frameon=False, fontsize=8)
            return svg_of(figure)

    def over_time(self) -> str:
        """Replicas that are ready and times to first token as they were scraped, in scenarios that move."""
        with rc_context({"svg.hashsalt": "control over time", "svg.fonttype": "none"}):
            figure = Figure(figsize=(10, 5), layout="constrained")
            grid = figure.subplots(2, len(DRAWN), sharex="col", squeeze=False)
            for column, scenario in enumerate(DRAWN):
                upper, lower = grid[0][column], grid[1][column]
                for name in OVER_TIME:
                    colour = COLOURS[[one.name for one in CONTENDERS].index(name)]
                    moments = self._moments(name, scenario)
                    at = [moment.at / 60 for moment in moments]
                    upper.step(at, [moment.ready for moment in moments], where="post", color=colour, label=name)
                    ttft = [float("nan") if moment.ttft is None else moment.ttft for moment in moments]
                    lower.plot(at, ttft, color=colour, linewidth=1)
                lower.axhline(OBJECTIVE.ttft, color="#b71c1c", linewidth=0.8)
                upper.set_title(scenario, fontsize=9)
                lower.set_xlabel("minutes")
                for axes in (upper, lower):
                    axes.grid(alpha=0.3)
            grid[0][0].set_ylabel("replicas that are ready")
            grid[1][0].set_ylabel("TTFT (s), as scraped")
            grid[0][0].legend(frameon=False, fontsize=8)
            return svg_of(figure)

    def _moments(self, law: str, scenario: str) -> Sequence[Any]:
        where = (law, scenario, self.settings[law])
        drawn = [r.moments for r in self.runs if (r.contender, r.scenario, r.setting) == where and r.moments]
        return drawn[0] if drawn else ()


def _over(ours: Standing | None, other: Standing | None, scenarios: Sequence[str]) -> float | None:
    if ours is None or other is None:
        return None
    return sum(ours.hours[name] for name in scenarios) / sum(other.hours[name] for name in scenarios)


def _plain(run: Run) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name != "moments"}
