"""`python -m benchmarks.gpu`: measure Cake on a GPU with torch alone, write gpu.md, gpu.json and hardware profiles.

Without a GPU a tiny model is measured on the processor. Every cell is kept as it comes: `--resume` goes on with a run
that was interrupted or whose `--minutes` were over. A part of it writes nothing unless `--output` says where.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
import time
from pathlib import Path

import cake_engine
from benchmarks.cells import exit_status, matching, measure
from benchmarks.goals import verdicts
from benchmarks.gpu import (
    attention,
    bench,
    contest,
    copies,
    curves,
    decoders,
    exactness,
    filling,
    model,
    pages,
    sources,
)
from benchmarks.gpu import device as devices
from benchmarks.gpu.cells import GPU, PROCESSOR, QUICK, cells
from benchmarks.gpu.report import GOALS, Run, write
from benchmarks.journal import Figures, Journal, code_of

PUBLISHED = Path("docs/benchmarks")
SCRATCH = Path("build/benchmarks")
MEASURING = (
    *(cake_engine, attention, bench, contest, copies, curves, decoders, devices, exactness, filling, model, pages),
    sources,
)
"""What figures hang on: with any of it changed a run begins anew, and with the page changed it does not."""


def main() -> int:
    """Exit 1 when KV or a token was wrong, or it could not be measured; goals that are missed are told of."""
    arguments = _arguments()
    return exit_status(lambda: benchmark(arguments), attention.KernelError)


def benchmark(arguments: argparse.Namespace) -> int:
    """Measure the cells, then write and print what was found."""
    code = f"{code_of(*MEASURING)} {arguments.device.place.type}"
    journal: Journal[Figures] = Journal(arguments.journal, code, resume=arguments.resume)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    until, measured = time.monotonic() + 60 * arguments.minutes, dict[str, Figures]()
    try:
        for cell in arguments.cells:
            if time.monotonic() < until or cell.name in journal.figures:
                measured |= measure([cell], journal, arguments.folder)
    finally:
        arguments.device.close()
    left = len(arguments.cells) - len(measured)
    if left:
        print(f"{arguments.minutes:g} minutes are over, and {left} cells are left: go on with --resume.")
    command = shlex.join(["python", "-m", "benchmarks.gpu", *sys.argv[1:]])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    on_gpu, steps = arguments.device.place.type == "cuda", arguments.grid.sizes.step_tokens
    run = Run(measured, arguments.device.name, command, today, on_gpu, steps)
    for verdict in verdicts(GOALS, run.summary()):
        print(verdict)
    if arguments.output is not None and measured:
        print(f"Written to {arguments.output}: {', '.join(write(run, arguments.output))}.")
    for broken in run.broken():
        print(f"Wrong: {broken}", file=sys.stderr)
    return 1 if run.broken() else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto", help="auto: a GPU if there is one")
    parser.add_argument("--quick", action="store_true", help="the tiny model, seconds: says only whether it works")
    parser.add_argument("--cells", metavar="REGEX", default="", help="only cells whose name matches, as in 'ttft/.*8b'")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no cell after so many (no bound)")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--journal", type=Path, help=f"file of the cells so far ({SCRATCH}/gpu.jsonl)")
    parser.add_argument("--folder", type=Path, default=SCRATCH, help="on the disk to measure")
    parser.add_argument("--output", type=Path, help=f"folder for the page ({PUBLISHED} after a whole run)")
    arguments = parser.parse_args()
    arguments.journal = arguments.journal or SCRATCH / ("gpu-quick.jsonl" if arguments.quick else "gpu.jsonl")
    try:
        arguments.device = devices.open_device(arguments.device)
        arguments.grid = QUICK if arguments.quick else GPU if arguments.device.place.type == "cuda" else PROCESSOR
        every = cells(arguments.grid, arguments.device)
        arguments.cells = matching(every, arguments.cells)
    except ValueError as error:
        parser.error(str(error))
    if arguments.output is None and not arguments.quick and len(arguments.cells) == len(every):
        arguments.output = PUBLISHED
    return arguments


if __name__ == "__main__":
    sys.exit(main())
