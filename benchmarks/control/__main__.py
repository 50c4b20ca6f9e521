"""`python -m benchmarks.control`: play all, write docs/benchmarks/control.*, say what misses its goal."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.control import calibration, contention, modes, paper, retention, waking
from benchmarks.control.comparing import COLD_STARTS, Play, setup
from benchmarks.control.report import Found, page, write
from benchmarks.control.scaled import Scaled
from benchmarks.pages import machine
from cake_simulator import trace
from cake_simulator.policies.static import Static
from cake_simulator.simulation import simulate

EXCERPT = Path("simulator/traces/mooncake-conversation-excerpt.jsonl")
GOALS = {
    "replica_hours_vs_best_baseline_at_95": 0.85,
    "replica_hours_vs_static": 1.0,
    "replica_hours_vs_oracle_flat": 1.15,
    "replica_hours_vs_oracle_diurnal": 1.3,
    "replica_hours_vs_oracle_step": 1.3,
    "contention_ttft_p90_vs_default": 0.8,
    "contention_ttft_p90_vs_best_fixed": 1.05,
    "retention_ttft_vs_lru": 0.75,
    "calibration_max_error": 0.15,
    "paper_max_cell_error": 0.10,
    "trace_hour_seconds": 60.0,
}


def main() -> int:
    """Exit 0: goals that are missed are said and listed, not hidden behind a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", type=Path, default=EXCERPT, help="requests in Mooncake's form (the excerpt)")
    parser.add_argument("--minutes", type=float, default=5.0, help="of a scenario of length 1 (5)")
    parser.add_argument("--cold-start", type=float, default=90.0, help="seconds (90)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (1)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (2)")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), help="folder (docs/benchmarks)")
    chosen = parser.parse_args()
    began = time.monotonic()
    hour, requests = _hour(chosen.trace)
    print(f"the trace on 8 replicas: {hour:.0f} s", flush=True)
    cells, figure_6 = paper.cells(), paper.figure_6()
    print(f"the paper's cells: {time.monotonic() - began:.0f} s", flush=True)
    half = 30 * chosen.minutes
    calibrated = calibration.compared()
    print(f"beside the real engine: {time.monotonic() - began:.0f} s", flush=True)
    bandwidths = list(modes.bandwidths(chosen.trace, half, chosen.jobs))
    replicas = list(modes.replicas(chosen.trace, half, chosen.jobs))
    print(f"ways of loading: {time.monotonic() - began:.0f} s", flush=True)
    contended = list(contention.played(60 * chosen.minutes, chosen.jobs))
    print(f"two on one claim: {time.monotonic() - began:.0f} s", flush=True)
    retained = list(retention.played(chosen.trace, 120 * chosen.minutes, chosen.jobs))
    print(f"what a small claim keeps: {time.monotonic() - began:.0f} s", flush=True)
    woken = list(waking.played(chosen.trace, 60 * chosen.minutes, chosen.jobs))
    print(f"scale to zero: {time.monotonic() - began:.0f} s", flush=True)
    scaled = _scaled(Play(chosen.trace, 60 * chosen.minutes, chosen.jobs), chosen.cold_start, chosen.seeds)
    options = f"--trace {chosen.trace.name} --minutes {chosen.minutes:g}"
    options += f" --cold-start {chosen.cold_start:g} --seeds {chosen.seeds}"
    command = f"python -m benchmarks.control {options}"
    found = Found(
        cells,
        figure_6,
        scaled,
        woken,
        bandwidths,
        replicas,
        contended,
        retained,
        calibrated,
        hour,
        requests,
        chosen.minutes,
        chosen.seeds,
        machine(),
        command,
        chosen.trace.name,
        time.monotonic() - began,
    )
    write(found, chosen.output)
    print(page(found))
    figures = found.figures()
    for name, goal in GOALS.items():
        value = figures[name]
        if value is None or value > goal:
            print(f"MISSED {name}: {value} (goal {goal})", file=sys.stderr)
    return 0


def _scaled(play: Play, cold_start: float, seeds: int) -> Scaled:
    """Every law in every scenario, and then at the setting that was found with starts of other lengths."""
    found = Scaled(play.runs(cold_start, range(seeds)), (), cold_start)
    others = [start for start in COLD_STARTS if start != cold_start]
    return replace(found, cold=play.cold_starts(found.settings, others, range(1)))


def _hour(path: Path) -> tuple[float, int]:
    """Seconds of one core that the whole trace takes on 8 replicas, and its requests."""
    began = time.process_time()
    made = setup(0.8, 90.0, 0, ())
    found = simulate(made, trace.spread(trace.read(path)), Static(8))
    return time.process_time() - began, found.arrived


if __name__ == "__main__":
    sys.exit(main())
