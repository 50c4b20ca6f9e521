"""What loading, computing and both at once make of a fleet that shares a claim, and of replicas added to a slow one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.control.comparing import setup
from benchmarks.control.plays import Plays
from cake_engine.config import LiveConfig, Mode
from cake_simulator import trace
from cake_simulator.policies.static import Static
from cake_simulator.simulation import simulate

RATE, REPLICAS = 0.6, 5
WAYS = {
    "compute only": LiveConfig(mode=Mode.COMPUTE_ONLY),
    "load only": LiveConfig(mode=Mode.LOAD_ONLY),
    "Cake, nothing read ahead": LiveConfig(prefetch_share=0.0),
    "Cake": LiveConfig(),
}
GIGABYTES = (1, 2, 4, 8)
SLOW = 1
MORE_REPLICAS = (4, 6, 8, 10)


@dataclass(frozen=True)
class Served:
    """One run.

    Attributes:
        way: How stored prefixes are brought back.
        gigabytes: Per second, of the claim.
        replicas: All the time.
        attainment: Share of the requests that got what they were promised.
        ttft_p90: Seconds.
    """

    way: str
    gigabytes: int
    replicas: int
    attainment: float
    ttft_p90: float


def bandwidths(plays: Plays, path: Path, seconds: float) -> list[Served]:
    """Every way on every bandwidth."""
    return plays.all(_serve, [(path, seconds, way, gigabytes, REPLICAS) for way in WAYS for gigabytes in GIGABYTES])


def replicas(plays: Plays, path: Path, seconds: float) -> list[Served]:
    """More replicas on a claim that is slow."""
    ways = ("load only", "Cake")
    return plays.all(_serve, [(path, seconds, way, SLOW, number) for way in ways for number in MORE_REPLICAS])


def _serve(chosen: tuple[Path, float, str, int, int]) -> Served:
    path, seconds, way, gigabytes, number = chosen
    made = setup(0.0, 0.0, 0, ())
    speed = made.tiers[0].speed.model_copy(update={"bytes_per_second": gigabytes * 1e9})
    tiers = (replace(made.tiers[0], speed=speed),)
    made = replace(made, tiers=tiers, live=WAYS[way], replicas=number)
    found = simulate(made, trace.scaled(trace.repeated(path, seconds), RATE), Static(number))
    return Served(way, gigabytes, number, found.tally.attainment or 0.0, found.tally.ttft.at(90) or 0.0)
