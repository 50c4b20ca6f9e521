"""`python -m tests.faults`: run the operator under every fault, and print what held as a table.

The whole of it is some 230 runs. `--fault conflict --seed 3` repeats one of them: a run is the same for the same seed,
as far as machines can do the same thing twice.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.group import group
from tests.faults.outcome import Outcome, Row, row, summary, table
from tests.faults.plan import FAULTS, MEASURED, UNDISTURBED, Fault, named, plan
from tests.faults.publishing import publish
from tests.faults.site import Site, site

PUBLISHED = Path("docs/benchmarks")
LOGS = Path("build/faults")
GROUPS_AT_ONCE = 3
"""Operators that work beside each other, each in a namespace of its own."""

Wanted = Sequence[tuple[Fault, Sequence[int]]]


def main() -> int:
    """Exit 1 when something did not hold."""
    arguments = _arguments()
    wanted = [(fault, arguments.seed or range(fault.seeds)) for fault in arguments.faults]
    began = time.monotonic()
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="cake-faults-") as folder:
        try:
            results = asyncio.run(_run(wanted, Path(folder)))
        except asyncio.CancelledError:
            return 143
    rows, outcomes = [one for one, _ in results], [one for _, found in results for one in found]
    print(f"\n{table(rows)}\n")
    found = summary(rows, outcomes)
    print(f"{found['fault_runs']} runs, {found['fault_failures']} failures, {time.monotonic() - began:.0f} s")
    print(f"What the operators said is in {LOGS}.")
    if arguments.output is not None:
        publish(found, arguments.output)
        print(f"Written: {arguments.output}/faults.json, faults.md.")
    return 1 if found["fault_failures"] else 0


async def _run(wanted: Wanted, folder: Path) -> list[tuple[Row, list[Outcome]]]:
    here, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert here is not None, "this is a task"

    def end() -> None:
        loop.add_signal_handler(signal.SIGTERM, lambda: None)  # a second one would leave operators behind
        here.cancel()

    # Or the cluster and the operators would outlive us.
    loop.add_signal_handler(signal.SIGTERM, end)
    async with site(folder, LOGS) as where:
        async with asyncio.TaskGroup() as learning:
            for undisturbed in (UNDISTURBED, MEASURED):
                learning.create_task(_learn(where, undisturbed, wanted))
        few = asyncio.Semaphore(GROUPS_AT_ONCE)

        async def one(fault: Fault, seeds: Sequence[int]) -> tuple[Row, list[Outcome]]:
            async with few:
                return await _strike(where, fault, seeds)

        async with asyncio.TaskGroup() as beside:  # where one cannot go on the others end, too
            tasks = [beside.create_task(one(*pair)) for pair in wanted if not pair[0].cluster_wide]
        results = [task.result() for task in tasks]
        for fault, seeds in wanted:
            if fault.cluster_wide:
                await where.empty()
                results.append(await _strike(where, fault, seeds))
        return results


async def _learn(where: Site, undisturbed: Fault, wanted: Wanted) -> None:
    """See how the stages that are wanted go without a fault."""
    stages = {plan(fault, seed).stage for fault, seeds in wanted for seed in seeds}
    seeds = [seed for seed in range(undisturbed.seeds) if plan(undisturbed, seed).stage in stages]
    if seeds:
        async with group(undisturbed, where) as one:
            await one.learn(seeds)


async def _strike(where: Site, fault: Fault, seeds: Sequence[int]) -> tuple[Row, list[Outcome]]:
    """All runs of one fault."""
    async with group(fault, where) as one:
        outcomes = await one.run(seeds)
        return row(fault.name, outcomes, one.operator.restarts, len(one.shared_failures)), outcomes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--fault", action="append", metavar="NAME", help="only this one, as the table calls it")
    parser.add_argument("--seed", type=_seeds, metavar="N or A-B", help="only these seeds")
    parser.add_argument("--output", type=Path, help=f"folder for figures and page ({PUBLISHED} after a whole run)")
    arguments = parser.parse_args()
    try:
        arguments.faults = [named(name) for name in arguments.fault] if arguments.fault else list(FAULTS)
    except KeyError as error:
        parser.error(f"there is no fault {error}: write one of {', '.join(fault.name for fault in FAULTS)}")
    if arguments.output is None and not arguments.fault and not arguments.seed:
        arguments.output = PUBLISHED
    return arguments


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
