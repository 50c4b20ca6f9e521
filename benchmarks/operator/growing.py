"""One operator and a fleet of some size: made, at rest, changed, edited by hand, and the operator started anew."""

from __future__ import annotations

import asyncio
import collections
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.cells import MeasurementError
from benchmarks.journal import Figures
from benchmarks.operator.changing import Changes, p50, p99
from benchmarks.operator.drifting import edits, restored
from benchmarks.operator.fleet import Fleet, write
from benchmarks.operator.stage import Stage, User, cpu, reached, rss_mb, stage
from benchmarks.operator.watching import watching
from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.client import Client
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CONFIG_MAPS, DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES
from tests.cluster.operator_process import OperatorProcess

CHILDREN: Final = {DEPLOYMENTS: 1, SERVICES: 1, CONFIG_MAPS: 2, DISRUPTION_BUDGETS: 1}
"""How many of each kind every CakeDeployment has."""

STEADY_RATE: Final = 20.0
BURST_RATE: Final = 50.0


@dataclass(frozen=True)
class Effort:
    """How long and how often things are measured."""

    rest_seconds: float = 30.0
    steady_seconds: float = 20.0
    burst_seconds: float = 10.0
    edits: int = 200
    restarts: int = 3


QUICK: Final = Effort(rest_seconds=16.0, steady_seconds=3.0, burst_seconds=1.0, edits=10, restarts=1)


def measure(folder: Path, *, size: int, effort: Effort) -> Figures:
    """The figures of a fleet of that size."""
    with stage(folder) as found, found.operator() as operator:
        return asyncio.run(_measure(found, operator, Fleet(size), effort))


async def _measure(stage: Stage, operator: OperatorProcess, fleet: Fleet, effort: Effort) -> Figures:
    fleet.make_namespaces(stage.cluster)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(User())
        changes, undone = Changes(client, fleet), restored()

        def note(child: Object) -> None:
            changes.arrivals.note(child)
            undone.note(child)

        cache = await stack.enter_async_context(watching(client, (*CHILDREN, CAKE_DEPLOYMENTS), note))
        figures: Figures = {"size": fleet.size}
        figures |= await _make(stage, client, fleet, cache)
        figures |= await _rest(stage, operator, fleet, effort.rest_seconds)
        took = await edits(client, fleet, cache, undone, effort.edits)
        figures |= {"drift_p50_s": p50(took), "drift_p99_s": p99(took)}
        stage.tell(f"{effort.edits} edits by hand were undone")
        for name, rate, seconds in (
            ("apply", STEADY_RATE, effort.steady_seconds),
            ("burst", BURST_RATE, effort.burst_seconds),
        ):
            found = await _change(stage, operator, changes, cache, rate=rate, seconds=seconds)
            figures |= {f"{name}_{figure}": value for figure, value in found.items()}
        figures["rss_mb"] = rss_mb(operator.pid)
        figures |= await _restart(stage, operator, fleet, effort.restarts)
    return figures


async def _make(stage: Stage, client: Client, fleet: Fleet, cache: Cache) -> Figures:
    """Make the fleet at once, and wait until all children are there."""
    began = time.monotonic()
    await write(client, [fleet.resource(key) for key in fleet.keys])
    written = time.monotonic() - began

    await all_made(fleet, cache)
    took = time.monotonic() - began
    stage.tell(f"{fleet.size} CakeDeployments have all children after {took:.1f} s")
    await stage.quiet()
    return {"written_s": written, "made_s": took}


async def all_made(fleet: Fleet, cache: Cache) -> None:
    """Wait until every CakeDeployment has its children and a status."""
    left = collections.deque(fleet.keys)

    async def none_left() -> bool:
        while left and is_made(left[0], cache):
            left.popleft()
        return not left

    await reached(none_left, "all children are applied", every=0.05)


def is_made(key: Key, cache: Cache) -> bool:
    """Whether a CakeDeployment has exactly its children, and a status."""
    kinds = [kind for kind, _ in cache.owned(key)]
    resource = cache.get(CAKE_DEPLOYMENTS, *key)
    told = resource is not None and "observedGeneration" in (resource.get("status") or {})
    return told and all(kinds.count(kind) == number for kind, number in CHILDREN.items())


def is_told(key: Key, cache: Cache) -> bool:
    """Whether status says of the present spec that it is what runs."""
    resource = cache.get(CAKE_DEPLOYMENTS, *key) or {}
    conditions = (resource.get("status") or {}).get("conditions") or ()
    (progressing,) = [one for one in conditions if one["type"] == "Progressing"]
    told = (progressing["observedGeneration"], progressing["reason"])
    return told == (resource["metadata"]["generation"], "Complete")


async def _rest(stage: Stage, operator: OperatorProcess, fleet: Fleet, seconds: float) -> Figures:
    """What it does while there is nothing to do: it looks at everything every fifteen seconds."""
    names = ("observe_seconds_count", "observe_seconds_sum", "reconcile_seconds_count", "reconcile_seconds_sum")

    def counters() -> list[float]:
        return [operator.figure(f"cake_operator_{name}") for name in names]

    stage.audit.skip()
    writes, before = operator.writes(), counters()
    used, began = cpu(operator.pid), time.monotonic()
    await asyncio.sleep(seconds)
    used, took = cpu(operator.pid) - used, time.monotonic() - began
    rounds, looking, reconciles, reconciling = (now - then for now, then in zip(counters(), before, strict=True))
    if not rounds or not reconciles:
        raise MeasurementError(f"in {seconds:.0f} s the operator looked at nothing")
    stage.tell(f"at rest for {seconds:.0f} s")
    return {
        "idle_writes": len(stage.operators_writes()),
        "idle_writes_own_count": operator.writes() - writes,
        "idle_cores": used / took,
        # Where nothing is to be written nothing is waited for: the sum is what one look at everything takes.
        "resync_s": looking / rounds + fleet.size * reconciling / reconciles,
        "resync_rounds": reconciles / fleet.size,
    }


async def _change(
    stage: Stage, operator: OperatorProcess, changes: Changes, cache: Cache, *, rate: float, seconds: float
) -> Figures:
    """Change specs at a rate; latencies, and the CPU of both sides and the writes for one change, status and all."""
    stage.audit.skip()
    used, served = cpu(operator.pid), stage.api_server_cpu()
    took = await changes.at_rate(rate, seconds)

    async def all_told() -> bool:
        return all(is_told(key, cache) for key in changes.fleet.keys)

    # Status waits for Kubernetes, which on a busy machine may take longer than the quiet that ends a measurement.
    await reached(all_told, "every status is of the present spec", every=0.5)
    written = await stage.quiet()
    used, served = cpu(operator.pid) - used, stage.api_server_cpu() - served
    stage.tell(f"{len(took)} changes at {rate:.0f} a second, the slowest after {max(took):.2f} s")
    stage.tell(", ".join(f"{number} {write}" for write, number in collections.Counter(written).most_common()))
    return {
        "p50_s": p50(took),
        "p99_s": p99(took),
        "cpu_ms_per_change": 1e3 * used / len(took),
        "api_server_cpu_ms_per_change": 1e3 * served / len(took),
        "writes_per_change": len(written) / len(took),
    }


async def _restart(stage: Stage, operator: OperatorProcess, fleet: Fleet, times: int) -> Figures:
    """End it and start it; until every CakeDeployment was looked at and nothing waits."""
    took: list[float] = []
    stage.audit.skip()

    async def converged() -> bool:
        looked = await asyncio.to_thread(operator.figure, "cake_operator_reconcile_seconds_count")
        return looked >= fleet.size and not await asyncio.to_thread(operator.figure, "cake_operator_queue_depth")

    for _ in range(times):
        await asyncio.to_thread(operator.stop)
        began = time.monotonic()
        await asyncio.to_thread(operator.start)
        await reached(converged, "the operator has looked at everything", every=0.05)
        took.append(time.monotonic() - began)
    await asyncio.sleep(1.0)  # for writes that would follow from what it has seen
    stage.tell(f"restarted {times} times, in {max(took):.1f} s at most")
    return {"restart_s": median(took), "restart_writes": len(stage.operators_writes())}
