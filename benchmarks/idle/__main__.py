"""`python -m benchmarks.idle`: what Cake costs while it has nothing to do, per step and over thousands of requests."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
from pathlib import Path

from benchmarks.idle.alone import alone
from benchmarks.idle.report import Run, page, write
from benchmarks.idle.soak import soak
from benchmarks.idle.steps import measure
from benchmarks.pages import machine
from benchmarks.ttft.processes import ENVIRONMENT
from demo.model import model_folder
from tests.localcluster import cache


def main() -> int:
    """Run it; returns 0 when every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="of the soak (10000)")
    parser.add_argument("--steps", type=int, default=400, help="measured for each number of requests (400)")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), help="folder (docs/benchmarks)")
    chosen = parser.parse_args()
    os.environ.update(ENVIRONMENT)  # some of these are read when the interpreter starts
    with cache.scratch("bench-idle") as folder:
        for part in ("steps", "soak"):
            (folder / part).mkdir()
        steps = alone(folder / "steps.log", measure, model_folder(), folder / "steps", chosen.steps)
        looks = alone(folder / "soak.log", soak, chosen.requests, folder / "soak")
    command = shlex.join(["python", "-m", "benchmarks.idle", *sys.argv[1:]])
    run = Run(steps, looks, machine(), command, datetime.datetime.now(datetime.UTC).date().isoformat())
    print(page(run))
    write(run, chosen.output)
    for said in run.missed():
        print(f"MISSED: {said}", file=sys.stderr)
    return 1 if run.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
