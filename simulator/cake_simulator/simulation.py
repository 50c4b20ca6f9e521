"""Runs: one deployment, or several on one claim, until the last request has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from simpy import AllOf, Environment

from cake_simulator.ended import Ended
from cake_simulator.file_tier import TierSpeed, volume
from cake_simulator.policies.policy import ScalingPolicy
from cake_simulator.policies.tuning import Tuner
from cake_simulator.result import Result
from cake_simulator.serving import Served, Serving
from cake_simulator.setup import Setup
from cake_simulator.trace import Request


def simulate(
    setup: Setup,
    requests: Iterable[Request],
    policy: ScalingPolicy,
    told: Callable[[Ended], None] | None = None,
    *,
    tuner: Tuner | None = None,
) -> Result:
    """Run one deployment until every request has ended.

    Args:
        setup: What runs.
        requests: In order of arrival.
        policy: How many replicas there are.
        told: Told of each request as it ends; a result has only what they have in common.
        tuner: Turns the knobs; None leaves them as they are in the setup.
    """
    return simulate_together([Served(setup, requests, policy, tuner, told)])[0]


def simulate_together(served: Sequence[Served]) -> list[Result]:
    """Run several deployments on the same shared volumes until every request of all has ended.

    Shared tiers of one name are one volume: they divide its bandwidth. What they hold is each deployment's own, as the
    keys of different models and tenants differ.

    Returns:
        What came of each, in their order.

    Raises:
        ValueError: Two of them say of the same volume that it is of another speed.
    """
    env = Environment()
    speeds = _speeds(served)
    volumes = {name: volume(env, speed) for name, speed in speeds.items()}
    begun = [Serving(env, one, volumes) for one in served]
    env.run(until=AllOf(env, [one.over for one in begun]))
    return [one.found for one in begun]


def _speeds(served: Sequence[Served]) -> dict[str, TierSpeed]:
    speeds: dict[str, TierSpeed] = {}
    for tier in (tier for one in served for tier in one.setup.tiers if tier.shared):
        known = speeds.setdefault(tier.name, tier.speed)
        if known.bytes_per_second != tier.speed.bytes_per_second:
            raise ValueError(
                f"the shared tier {tier.name} has {known.bytes_per_second:g} and {tier.speed.bytes_per_second:g} bytes"
                " per second: it is one volume, write one speed, or another name"
            )
    return speeds
