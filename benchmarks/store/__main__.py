"""`python -m benchmarks.store`: measure the file tier on a disk, write docs/benchmarks/store.*, say what was missed.

The whole of it takes some 20 minutes on an idle machine and up to 4 GB of its disk. Every cell is kept as it comes:
`--resume` goes on with a run that was interrupted. A part of it writes nothing unless `--output` says where.
"""

from __future__ import annotations

import argparse
import datetime
import re
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path

import benchmarks.store
import cake_engine
from benchmarks.store.cells import Cell, cells
from benchmarks.store.journal import Journal, JournalError
from benchmarks.store.report import GOALS, Run, number, write
from benchmarks.store.tiers import MeasurementError
from benchmarks.ttft.report import machine
from tests.localcluster import cache

PUBLISHED = Path("docs/benchmarks")


def main() -> int:
    """Exit 1 when the store broke a promise, or could not be measured."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return benchmark(arguments)
    except KeyboardInterrupt:
        print("Interrupted; the cells so far are kept: go on with --resume.", file=sys.stderr)
        return 130
    except (MeasurementError, JournalError) as error:
        print(f"The benchmark cannot go on: {error}", file=sys.stderr)
        return 1


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure the cells, then write and print what was found."""
    sources = [
        p for module in (cake_engine, benchmarks.store) for p in Path(module.__file__ or "").parent.rglob("*.py")
    ]
    name = "store-quick.jsonl" if arguments.quick else "store.jsonl"
    journal = Journal(cache.root() / "benchmarks" / name, cache.fingerprint(*sorted(sources)), resume=arguments.resume)
    for cell in arguments.cells:
        if cell.name not in journal.figures:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix=".bench-store.", dir=arguments.folder) as folder:
                figures = cell.measure(Path(folder))
            journal.add(cell.name, figures)
            said = ", ".join(f"{figure} {number(value)}" for figure, value in figures.items())
            print(f"{cell.name} ({time.monotonic() - began:.0f} s): {said}", flush=True)
    command = shlex.join(["python", "-m", "benchmarks.store", *sys.argv[1:]])
    measured = {cell.name: journal.figures[cell.name] for cell in arguments.cells}
    run = Run(measured, machine(), command, datetime.datetime.now(datetime.UTC).date().isoformat())
    found = run.summary()
    for goal in GOALS:
        if goal.figure in found:
            verdict = "" if goal.met(found[goal.figure]) else "  MISSED"
            print(f"{goal.meaning}: {number(found[goal.figure])} (goal {goal.text}){verdict}")
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
    every: list[Cell] = cells(quick=arguments.quick)
    try:
        arguments.cells = [cell for cell in every if re.search(arguments.cells, cell.name)]
    except re.error as error:
        parser.error(f"--cells is not a regular expression: {error}")
    if not arguments.cells:
        parser.error("--cells matches none of: " + ", ".join(cell.name for cell in every))
    if arguments.output is None and not arguments.quick and len(arguments.cells) == len(every):
        arguments.output = PUBLISHED
    if arguments.folder is None:
        arguments.folder = cache.root()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
