"""`python -m benchmarks.operator`: measure the operator on a real API server, write docs/benchmarks/operator.*.

The whole of it takes some 13 minutes on two cores. Every cell is kept as it comes: `--resume` goes on with a run that
was interrupted. A part of it writes nothing unless `--output` says where.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from pathlib import Path

import benchmarks.operator
import cake_operator
from benchmarks.cells import exit_status, matching, measure
from benchmarks.goals import verdicts
from benchmarks.journal import Figures, Journal, code_of
from benchmarks.operator.cells import SIZES, cells
from benchmarks.operator.report import GOALS, Run, faults_found, write
from benchmarks.pages import machine
from tests.localcluster import LocalClusterError, cache

PUBLISHED = Path("docs/benchmarks")


def main() -> int:
    """Exit 1 when it could not be measured; goals that are missed are told of."""
    arguments = _arguments()
    return exit_status(lambda: benchmark(arguments), LocalClusterError)


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure the cells, then write and print what was found."""
    name = "operator-quick.jsonl" if arguments.quick else "operator.jsonl"
    journal: Journal[Figures] = Journal(
        cache.root() / "benchmarks" / name, code_of(cake_operator, benchmarks.operator), resume=arguments.resume
    )
    measured = measure(arguments.cells, journal, cache.root())
    command = shlex.join(["python", "-m", "benchmarks.operator", *sys.argv[1:]])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    run = Run(measured, machine(), command, today, faults_found(PUBLISHED / "faults.json"))
    for verdict in verdicts(GOALS, run.summary()):
        print(verdict)
    if arguments.output is not None:
        write(run, arguments.output)
        print(f"Written: {arguments.output}/operator.md, operator.json.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small fleets, in two minutes: says only whether it works")
    parser.add_argument(
        "--sizes", metavar="N,N", default="", help="CakeDeployments, such as 5000 (10,100,1000; quick: 10)"
    )
    parser.add_argument("--cells", metavar="REGEX", default="", help="only cells whose name matches, as in 'fleet'")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--output", type=Path, help=f"folder for the page ({PUBLISHED} after a whole run)")
    arguments = parser.parse_args()
    whole = not (arguments.quick or arguments.sizes or arguments.cells)
    try:
        sizes = [int(size) for size in arguments.sizes.split(",")] if arguments.sizes else SIZES
    except ValueError:
        parser.error(f"--sizes is {arguments.sizes!r}: write numbers, as in 10,100")
    every = cells(SIZES[:1] if arguments.quick and not arguments.sizes else sizes, quick=arguments.quick)
    try:
        arguments.cells = matching(every, arguments.cells)
    except ValueError as error:
        parser.error(str(error))
    if arguments.output is None and whole:
        arguments.output = PUBLISHED
    return arguments


if __name__ == "__main__":
    sys.exit(main())
