"""Worlds drawn at random: the curves, bandwidths and fluctuations of the benchmark's cells."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Literal

from benchmarks.core.oracle import possible
from benchmarks.core.worlds import Device, Pace, Tier, World

Curve = Literal["rising", "flat", "stepped"]
CURVES: tuple[Curve, ...] = ("rising", "flat", "stepped")
Rates = Literal["steady", "fluctuating", "compute x3", "compute /3", "loads x3", "loads /3"]


def draw(random: Random, curve: Curve) -> World:
    """One prefix of 2K to 64K tokens on one tier, with a load over compute ratio between 1/20 and 20.

    Args:
        random: Where chance comes from.
        curve: rising: at the end of the prefix a token costs 1.5 to 6 times what it costs at its start; flat: within
            a tenth, as with few KV heads and short prompts; stepped: rising, and tokens count in multiples of 128.
    """
    step_tokens = random.choice([256, 512, 1024, 2048])
    tokens = int(2 ** random.uniform(11, 16))
    chunk_tokens = random.choice([size for size in (16, 32, 64, 128, 256, 512) if 8 <= tokens // size <= 128])
    chunks = tokens // chunk_tokens
    token = 10 ** random.uniform(-5, -3)
    rise = random.uniform(0.0, 0.1) if curve == "flat" else random.uniform(0.5, 5.0)
    device = Device(
        base=token * random.uniform(8, 128),
        token=token,
        slope=token * rise / tokens,
        decode=token * random.uniform(0.5, 4),
        quantum=128 if curve == "stepped" else 1,
    )
    readers = random.choice([1, 4, 16])
    world = World(
        chunks,
        {"tier": Tier(1.0)},
        device,
        chunk_tokens,
        step_tokens,
        decoding=random.choice([0, 0, 8, 32]),
    )
    ratio = math.exp(random.uniform(math.log(1 / 20), math.log(20)))
    chunk_seconds = ratio * world.compute(0, world.end) / chunks
    latency = random.choice([0.0, 0.1, 1.0]) * chunk_seconds * readers
    return replace(world, tiers={"tier": Tier(chunk_seconds, latency, readers)})


def paced(random: Random, world: World, rates: Rates) -> World:
    """The world with speeds that change.

    Args:
        random: Where chance comes from.
        world: With steady speeds.
        rates: fluctuating: both speeds change some 20 times by 15% (standard deviation); a change by 3 comes between a
            fifth and four fifths of the time that the best schedule takes with steady speeds.
    """
    if rates == "steady":
        return world
    horizon = possible(world).oracle
    (name, tier), device = next(iter(world.tiers.items())), world.device
    if rates == "fluctuating":
        return replace(
            world,
            device=replace(device, pace=_fluctuation(random, horizon)),
            tiers={name: replace(tier, pace=_fluctuation(random, horizon))},
        )
    moment = horizon * random.uniform(0.2, 0.8)
    pace = Pace(((moment, 3.0 if rates.endswith("x3") else 1 / 3),))
    if rates.startswith("compute"):
        return replace(world, device=replace(device, pace=pace))
    return replace(world, tiers={name: replace(tier, pace=pace)})


def _fluctuation(random: Random, horizon: float) -> Pace:
    moments = sorted(random.uniform(0, 2 * horizon) for _ in range(40))
    return Pace(tuple((moment, random.lognormvariate(0, 0.15)) for moment in [0.0, *moments]))
