"""Many runs of one deployment, each with something else in it: how a fleet is sized."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from cake_engine.config import CodecName
from cake_operator.api import CakeDeployment
from cake_simulator import deployment
from cake_simulator.deployment import Assumed
from cake_simulator.hardware import Hardware
from cake_simulator.policies.policy import ScalingPolicy
from cake_simulator.policies.static import Static
from cake_simulator.policies.tuning import Tuner
from cake_simulator.setup import Setup

KNOWN_RATIOS = {CodecName.RAW.value: 1.0}
"""Bytes that a codec makes of a chunk, where they do not depend on what is in it."""


class SweepError(ValueError):
    """A sweep that cannot be understood; its text says what to write instead."""


@dataclass(frozen=True)
class Case:
    """One run of a sweep.

    Attributes:
        values: What is varied, by dimension.
        setup: The run.
        policy: What decides on replicas.
        tuner: Turns the knobs; None with tuning Off.
    """

    values: Mapping[str, str]
    setup: Setup
    policy: ScalingPolicy
    tuner: Tuner | None

    @property
    def name(self) -> str:
        """In words."""
        return ", ".join(f"{dimension} {value}" for dimension, value in self.values.items()) or "as written"


def _bandwidth(text: str) -> float:
    factors = {"M": 1e6, "G": 1e9, "Mi": 2.0**20, "Gi": 2.0**30}
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * (factors[unit] if unit else 1.0)


def _ratio(text: str) -> float:
    return KNOWN_RATIOS.get(text) or float(text)


DIMENSIONS: Mapping[str, tuple[Callable[[str], float], str]] = {
    "replicas": (lambda text: float(int(text)), "whole numbers, as in 1..8 or 2,4,8"),
    "bandwidth": (_bandwidth, "bytes per second of claims, as in 1G,2G,4Gi"),
    "codec": (_ratio, f"{' or '.join(KNOWN_RATIOS)}, or stored bytes over those on the device, as in 0.5"),
}


def parse(text: str) -> tuple[str, list[str]]:
    """Read `replicas=1..8`, `bandwidth=1G,4G` or `codec=1,0.5`.

    Raises:
        SweepError: It is none of these.
    """
    dimension, _, given = text.partition("=")
    if dimension not in DIMENSIONS or not given:
        raise SweepError(f"{text}: write one of {', '.join(DIMENSIONS)}, =, and values, as in replicas=1..8")
    reading, form = DIMENSIONS[dimension]
    first, dots, last = given.partition("..")
    try:
        values = list(map(str, range(int(first), int(last) + 1))) if dots else given.split(",")
        if not values or any(reading(value) <= 0 for value in values):
            raise ValueError
    except (ValueError, KeyError):
        raise SweepError(f"{text}: {dimension} takes {form}, each above zero") from None
    return dimension, values


def cases(
    cake: CakeDeployment, hardware: Hardware, assumed: Assumed, sweep: Sequence[tuple[str, list[str]]]
) -> Iterator[Case]:
    """Every combination of the values; one run as the deployment is written where nothing is varied."""
    names = [dimension for dimension, _ in sweep]
    for combination in product(*(values for _, values in sweep)):
        values = dict(zip(names, combination, strict=True))
        changed = assumed
        if "bandwidth" in values:
            changed = replace(changed, bandwidth=_bandwidth(values["bandwidth"]))
        if "codec" in values:
            changed = replace(changed, stored_ratio=_ratio(values["codec"]))
        made = deployment.setup(cake, hardware, changed)
        policy: ScalingPolicy = deployment.policy(cake, made)
        if "replicas" in values:
            number = int(values["replicas"])
            made, policy = replace(made, replicas=number, fewest=number, most=number), Static(number)
        yield Case(values, made, policy, deployment.tuner(cake, made))
