"""Two operators and a lease: the one that acts is killed in the middle of many changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.cells import MeasurementError
from benchmarks.journal import Figures
from benchmarks.operator.changing import Changes
from benchmarks.operator.fleet import Fleet, write
from benchmarks.operator.growing import CHILDREN, all_made, is_made
from benchmarks.operator.stage import Stage, User, reached, stage
from benchmarks.operator.watching import watching
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from tests.cluster.operator_process import OperatorProcess

LEASE: Final = "default/cake-operator"
DONE_WHEN_KILLED: Final = 0.1
"""Share of the changes whose child is written when the operator is killed."""


def measure(folder: Path, *, size: int, rounds: int) -> Figures:
    """Seconds from the kill until the other's first write, and until all is as if nothing had been."""
    with stage(folder) as found:
        first, second = (found.operator(name, CAKE_LEASE=LEASE, CAKE_IDENTITY=name) for name in ("first", "second"))
        with first, second:
            return asyncio.run(_measure(found, (first, second), Fleet(size), rounds))


async def _measure(stage: Stage, operators: Sequence[OperatorProcess], fleet: Fleet, rounds: int) -> Figures:
    fleet.make_namespaces(stage.cluster)
    first_writes, ends = [], []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(User())
        changes = Changes(client, fleet)
        kinds = (*CHILDREN, CAKE_DEPLOYMENTS)
        cache = await stack.enter_async_context(watching(client, kinds, changes.arrivals.note))
        await write(client, [fleet.resource(key) for key in fleet.keys])
        await all_made(fleet, cache)
        for _ in range(rounds):
            await stage.quiet()
            first_write, end = await _kill(operators, changes)
            first_writes.append(first_write)
            ends.append(end)
            stage.tell(f"killed: the other wrote after {first_write:.1f} s, and all was done after {end:.1f} s")
        await stage.quiet()
        wrong = sum(not is_made(key, cache) for key in fleet.keys)
    return {
        "size": fleet.size,
        "rounds": rounds,
        "takeover_first_write_s": median(first_writes),
        "takeover_s": median(ends),
        "takeover_slowest_s": max(ends),
        "takeover_wrong": wrong,
    }


async def _kill(operators: Sequence[OperatorProcess], changes: Changes) -> tuple[float, float]:
    """Change every spec at once and kill whoever acts on it; the other ends the work. Both act again afterwards."""
    acting = next((one for one in operators if one.figure("cake_operator_acting") == 1), None)
    if acting is None:
        raise MeasurementError("none of the two operators acts")
    (other,) = (one for one in operators if one is not acting)
    before = other.writes()
    running = [asyncio.create_task(changes.change(key)) for key in changes.fleet.keys]

    async def some_done() -> bool:
        return sum(task.done() for task in running) >= DONE_WHEN_KILLED * len(running)

    await reached(some_done, "some children are written", every=0.005)
    acting.kill()
    killed = time.monotonic()

    async def other_wrote() -> bool:
        return await asyncio.to_thread(other.writes) > before

    await reached(other_wrote, "the other operator writes", every=0.05)
    wrote = time.monotonic() - killed
    await asyncio.gather(*running)
    ended = time.monotonic() - killed
    await asyncio.to_thread(acting.start)
    return wrote, ended
