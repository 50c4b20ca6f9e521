"""`python -m benchmarks.ttft`: time to the first token over a stored prefix, in a real vLLM, against the best possible.

The whole grid takes about 25 minutes on two idle cores and writes docs/benchmarks/ttft.{json,md} and its charts; a part
of it writes nothing there unless `--output` says where. Every play is kept as it comes: `--resume` goes on with a run
that was interrupted.
"""

from __future__ import annotations

import argparse
import datetime
import re
import shlex
import signal
import sys
from pathlib import Path

from rich.console import Console

import cake_engine
from benchmarks.ttft import grid, page, report
from benchmarks.ttft.journal import Header, Journal, JournalError
from benchmarks.ttft.processes import EngineError
from benchmarks.ttft.run import run
from demo.model import model_folder
from tests.localcluster import cache

PUBLISHED = Path("docs/benchmarks")


def main() -> int:
    """Run the benchmark; returns 0 when every token was right."""
    arguments = _arguments()
    console = Console()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        return benchmark(arguments, console)
    except KeyboardInterrupt:
        console.print("Interrupted; the engines are ended. The plays so far are kept: go on with --resume.")
        return 130
    except (EngineError, JournalError) as error:
        console.print(f"[bold red]The benchmark cannot go on:[/bold red] {error}", highlight=False, markup=True)
        return 1


def benchmark(arguments: argparse.Namespace, console: Console) -> int:
    """Play the cells, then write and print what was found."""
    cells = arguments.cells
    header = Header(repeats=arguments.repeats, engine=_digest(Path(cake_engine.__file__).parent))
    journal = Journal(cache.root() / "benchmarks" / "ttft.jsonl", header, resume=arguments.resume)
    with cache.scratch("bench-ttft") as folder:
        run(cells, arguments.repeats, journal, model=model_folder(), folder=folder, console=console)
    command = shlex.join(["python", "-m", "benchmarks.ttft", *sys.argv[1:]])
    found = report.findings(journal, cells, command, datetime.datetime.now(datetime.UTC))
    console.print(page.table(found))
    console.print(page.goals_table(found))
    if arguments.output is not None:
        report.write(found, arguments.output)
        console.print(f"Written: {arguments.output}/ttft.md, ttft.json and their charts.", highlight=False)
    if found.summary.wrong_tokens:
        console.print(f"[bold red]{found.summary.wrong_tokens} wrong tokens:[/bold red] {', '.join(found.wrong_plays)}")
        return 1
    return 0


def _digest(package: Path) -> str:
    """A short name for the code of a package."""
    return cache.fingerprint(*sorted(package.rglob("*.py")))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ttft", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few cells, one round, under three minutes")
    parser.add_argument("--cells", metavar="REGEX", help="only cells whose name matches, as in 'alone/2048'")
    parser.add_argument("--repeats", type=int, help="rounds of each cell, of which the median counts (3; quick: 1)")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--output", type=Path, help=f"folder for the page ({PUBLISHED} after the whole grid)")
    arguments = parser.parse_args()
    whole = not (arguments.quick or arguments.cells)
    arguments.repeats = arguments.repeats or (1 if arguments.quick else 3)
    if arguments.repeats < 1:
        parser.error("--repeats must be at least 1")
    try:
        arguments.cells = grid.matching(grid.QUICK if arguments.quick else grid.FULL, arguments.cells or "")
    except re.error as error:
        parser.error(f"--cells is not a regular expression: {error}")
    if not arguments.cells:
        parser.error("--cells matches none of: " + ", ".join(cell.name for cell in grid.FULL))
    if whole and arguments.output is None:
        arguments.output = PUBLISHED
    return arguments


if __name__ == "__main__":
    sys.exit(main())
