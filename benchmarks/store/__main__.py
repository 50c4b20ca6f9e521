"""`python -m benchmarks.store`: measure the file tier on a disk, write docs/benchmarks/store.*, say what was missed.

The whole of it takes some 20 minutes on an idle machine and up to 4 GB of its disk. Every cell is kept as it comes:
`--resume` goes on with a run that was interrupted. A part of it writes nothing unless `--output` says where.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from pathlib import Path

import benchmarks.store
import cake_engine
from benchmarks.cells import exit_status, matching, measure
from benchmarks.goals import verdicts
from benchmarks.journal import Figures, Journal, code_of
from benchmarks.pages import machine
from benchmarks.store.cells import cells
from benchmarks.store.report import GOALS, Run, write
from tests.localcluster import cache

PUBLISHED = Path("docs/benchmarks")


def main() -> int:
    """Exit 1 when the store broke a promise, or could not be measured."""
    arguments = _arguments()
    return exit_status(lambda: benchmark(arguments))


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure the cells, then write and print what was found."""
    name = "store-quick.jsonl" if arguments.quick else "store.jsonl"
    journal: Journal[Figures] = Journal(
        cache.root() / "benchmarks" / name, code_of(cake_engine, benchmarks.store), resume=arguments.resume
    )
    measured = measure(arguments.cells, journal, arguments.folder)
    command = shlex.join(["python", "-m", "benchmarks.store", *sys.argv[1:]])
    run = Run(measured, machine(), command, datetime.datetime.now(datetime.UTC).date().isoformat())
    for verdict in verdicts(GOALS, run.summary()):
        print(verdict)
    if arguments.output is not None:
        write(run, arguments.output)
        print(f"Written: {arguments.output}/store.md, store.json, store.svg.")
    for broken in run.broken():
        print(f"A promise is broken: {broken}", file=sys.stderr)
    return 1 if run.broken() else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, under a minute: says only whether it works")
    parser.add_argument("--cells", metavar="REGEX", default="", help="only cells whose name matches, as in 'files'")
    parser.add_argument(
        "--folder", type=Path, help="on the disk to measure, such as a mounted claim (the cache folder)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--output", type=Path, help=f"folder for the page ({PUBLISHED} after a whole run)")
    arguments = parser.parse_args()
    every = cells(quick=arguments.quick)
    try:
        arguments.cells = matching(every, arguments.cells)
    except ValueError as error:
        parser.error(str(error))
    if arguments.output is None and not arguments.quick and len(arguments.cells) == len(every):
        arguments.output = PUBLISHED
    if arguments.folder is None:
        arguments.folder = cache.root()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
