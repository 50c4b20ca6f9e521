"""`python -m benchmarks.control`: play all, write docs/benchmarks/control.*, say what misses its goal.

Every play is kept as it comes: `--resume` goes on with a run that was interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import benchmarks.control
import cake_engine
import cake_operator
import cake_simulator
from benchmarks.cells import exit_status
from benchmarks.control import calibration, contention, modes, paper, retention, waking
from benchmarks.control.comparing import COLD_STARTS, Comparison, setup
from benchmarks.control.plays import Kept, Plays
from benchmarks.control.report import Found, page, write
from benchmarks.control.scaled import Scaled
from benchmarks.journal import Journal, code_of
from benchmarks.pages import machine
from cake_simulator import trace
from cake_simulator.policies.static import Static
from cake_simulator.simulation import simulate
from tests.localcluster import cache

EXCERPT = Path("simulator/traces/mooncake-conversation-excerpt.jsonl")
GOALS = {
    "replica_hours_vs_best_baseline_at_95": 0.85,
    "replica_hours_vs_static": 1.0,
    "replica_hours_vs_oracle_flat": 1.15,
    "replica_hours_vs_oracle_diurnal": 1.3,
    "replica_hours_vs_oracle_step": 1.3,
    "contention_ttft_p90_vs_default": 0.8,
    "contention_ttft_p90_vs_best_fixed": 1.05,
    "contention_ttft_p90_vs_best_fixed_moving": 1.0,
    "retention_ttft_vs_lru": 0.75,
    "calibration_max_error": 0.15,
    "paper_max_cell_error": 0.10,
    "trace_hour_seconds": 60.0,
}


def main() -> int:
    """Exit 0: goals that are missed are said and listed, not hidden behind a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.control", description=__doc__)
    parser.add_argument("--trace", type=Path, default=EXCERPT, help="requests in Mooncake's form (the excerpt)")
    parser.add_argument("--minutes", type=float, default=5.0, help="of a scenario of length 1 (5)")
    parser.add_argument("--cold-start", type=float, default=90.0, help="seconds (90)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (1)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (2)")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), help="folder (docs/benchmarks)")
    chosen = parser.parse_args()
    return exit_status(lambda: benchmark(chosen))


def benchmark(chosen: argparse.Namespace) -> int:
    """Play everything, then write and print what was found."""
    code = code_of(cake_engine, cake_operator, cake_simulator, benchmarks.control)
    journal: Journal[Kept] = Journal(cache.root() / "benchmarks" / "control.jsonl", code, resume=chosen.resume)
    with Plays(journal, chosen.jobs) as plays:
        found = _played(plays, chosen)
    write(found, chosen.output)
    print(page(found))
    figures = found.figures()
    for name, goal in GOALS.items():
        value = figures[name]
        if value is None or value > goal:
            print(f"MISSED {name}: {value} (goal {goal})", file=sys.stderr)
    return 0


def _played(plays: Plays, chosen: argparse.Namespace) -> Found:
    [hour] = plays.all(_hour, [chosen.trace])
    _tell("the trace on 8 replicas", plays)
    cells, figure_6, calibrated = paper.cells(), paper.figure_6(), calibration.compared()
    half = 30 * chosen.minutes
    bandwidths = modes.bandwidths(plays, chosen.trace, half)
    replicas = modes.replicas(plays, chosen.trace, half)
    _tell("ways of loading", plays)
    contended = contention.played(plays, 60 * chosen.minutes)
    _tell("two on one claim", plays)
    retained = retention.played(plays, chosen.trace, 120 * chosen.minutes)
    _tell("what a small claim keeps", plays)
    woken = waking.played(plays, chosen.trace, 60 * chosen.minutes)
    _tell("scale to zero", plays)
    scaled = _scaled(Comparison(plays, chosen.trace, 60 * chosen.minutes), chosen.cold_start, chosen.seeds)
    _tell("scaling laws", plays)
    options = f"--trace {chosen.trace.name} --minutes {chosen.minutes:g}"
    options += f" --cold-start {chosen.cold_start:g} --seeds {chosen.seeds}"
    return Found(
        paper=cells,
        figure_6=figure_6,
        scaled=scaled,
        woken=woken,
        bandwidths=bandwidths,
        replicas=replicas,
        contended=contended,
        retained=retained,
        calibrated=calibrated,
        hour=hour.seconds,
        hour_requests=hour.requests,
        minutes=chosen.minutes,
        seeds=chosen.seeds,
        machine=machine(),
        command=f"python -m benchmarks.control {options}",
        trace=chosen.trace.name,
        seconds=plays.seconds + time.process_time(),
    )


def _scaled(comparison: Comparison, cold_start: float, seeds: int) -> Scaled:
    """Every law in every scenario, and then at the setting that was found with starts of other lengths."""
    found = Scaled(comparison.runs(cold_start, range(seeds)), (), cold_start)
    others = [start for start in COLD_STARTS if start != cold_start]
    return replace(found, cold=comparison.cold_starts(found.settings, others, range(1)))


def _tell(part: str, plays: Plays) -> None:
    print(f"{part}: {plays.seconds:.0f} s of a core so far", flush=True)


@dataclass(frozen=True)
class Hour:
    """The whole trace on 8 replicas: seconds of one core that it takes, and its requests."""

    seconds: float
    requests: int


def _hour(path: Path) -> Hour:
    began = time.process_time()
    made = setup(0.8, 90.0, 0, ())
    found = simulate(made, trace.spread(trace.read(path)), Static(8))
    return Hour(time.process_time() - began, found.arrived)


if __name__ == "__main__":
    sys.exit(main())
