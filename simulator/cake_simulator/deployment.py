"""From a CakeDeployment and a kind of hardware to a run: what its fields mean to the simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cake_operator.api import CakeDeployment, KVTier
from cake_operator.policy.knobs import starting_knobs
from cake_operator.policy.laws import Laws
from cake_operator.render.tuning_config import live_config
from cake_simulator.hardware import Hardware
from cake_simulator.policies.operator import Operator
from cake_simulator.policies.tuning import Balance
from cake_simulator.router import Routing
from cake_simulator.scraping import Scraping
from cake_simulator.seats import EngineLimits
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.tally import Objective


class DeploymentError(ValueError):
    """A CakeDeployment that cannot be simulated; its text says what to write instead."""


@dataclass(frozen=True)
class Assumed:
    """What a CakeDeployment does not say.

    Attributes:
        bandwidth: Bytes per second of claims; the profile's where not given.
        stored_ratio: Bytes of a stored chunk over those of the same on the device.
        routing: Which replica gets a request.
        scraping: How metrics come.
        seed: Of all chance.
    """

    bandwidth: float | None = None
    stored_ratio: float = 1.0
    routing: Routing = Routing.RANDOM
    scraping: Scraping = field(default_factory=Scraping)
    seed: int = 0


def read(path: Path) -> CakeDeployment:
    """Read the only CakeDeployment of a YAML file; other documents in it are passed over.

    Raises:
        DeploymentError: There is none, there are several, or it breaks a rule.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except OSError as error:
        raise DeploymentError(f"{path}: cannot be read ({error.strerror}); write the path of a YAML file") from None
    except yaml.YAMLError as error:
        raise DeploymentError(f"{path}: not YAML ({error})") from None
    found: list[Any] = [one for one in documents if isinstance(one, dict) and one.get("kind") == "CakeDeployment"]
    if len(found) != 1:
        raise DeploymentError(f"{path}: has {len(found)} documents of kind CakeDeployment; write a file with one")
    try:
        return CakeDeployment.model_validate({**found[0], "status": {}})
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()
        ]
        raise DeploymentError(f"{path}: {'; '.join(faults)}") from None


def setup(cake: CakeDeployment, hardware: Hardware, assumed: Assumed) -> Setup:
    """The run of a CakeDeployment on a kind of hardware.

    Raises:
        DeploymentError: An argument of the engine cannot be understood.
    """
    spec, slo = cake.spec, cake.spec.slo
    ttft = slo.ttft if slo else None
    gap = slo.inter_token_latency if slo else None
    fixed = spec.replicas
    return Setup(
        hardware=hardware,
        limits=EngineLimits(
            step_tokens=_argument(spec.engine.args, "--max-num-batched-tokens") or hardware.step_tokens,
            seats=_argument(spec.engine.args, "--max-num-seqs") or hardware.seats,
            kv_tokens=hardware.kv_tokens,
        ),
        objective=Objective(ttft=ttft.target.seconds if ttft else inf, inter_token=gap.target.seconds if gap else inf),
        memory_bytes=float(spec.kv_tiers[0].capacity.bytes),
        tiers=tuple(_tier(tier, hardware, assumed) for tier in spec.kv_tiers[1:]),
        live=live_config(spec.balance, starting_knobs(spec.balance), 1),
        replicas=spec.scaling.min_replicas if fixed is None else fixed,
        fewest=spec.scaling.min_replicas if fixed is None else fixed,
        most=spec.scaling.max_replicas if fixed is None else fixed,
        scraping=assumed.scraping,
        routing=assumed.routing,
        stored_ratio=assumed.stored_ratio,
        ttft_percentile=float(ttft.percentile) if ttft else 90.0,
        inter_token_percentile=float(gap.percentile) if gap else 90.0,
        seed=assumed.seed,
    )


def policy(cake: CakeDeployment, made: Setup) -> Operator:
    """The operator's own law with what the CakeDeployment asks of it."""
    law = Laws.of(made.sampling).scaling
    return Operator(cake.spec.scaling, cake.spec.slo, law, fixed=cake.spec.replicas)


def tuner(cake: CakeDeployment, made: Setup) -> Balance | None:
    """The operator's own balance; None where it says Off, or only recommends: the knobs stay then."""
    if cake.spec.balance.tuning != "Auto":
        return None
    return Balance(cake.spec.balance, [tier.name for tier in made.tiers], Laws.of(made.sampling).tuning)


def _tier(tier: KVTier, hardware: Hardware, assumed: Assumed) -> TierSetup:
    shared = tier.kind == "PersistentVolumeClaim"
    speed = hardware.claim if shared else hardware.scratch
    if shared and assumed.bandwidth is not None:
        speed = speed.model_copy(update={"bytes_per_second": assumed.bandwidth})
    ttl = tier.ttl.seconds if tier.ttl is not None else None
    return TierSetup(str(tier.name), speed, float(tier.capacity.bytes), shared, ttl)


def _argument(args: list[str], flag: str) -> int | None:
    """The value of an argument of vllm serve, written in one item or in two; None where it is not there."""
    for number, given in enumerate(args):
        name, equals, value = given.partition("=")
        if name.replace("_", "-") != flag:
            continue
        if not equals:
            value = args[number + 1] if number + 1 < len(args) else ""
        if not value.isdecimal() or int(value) < 1:
            raise DeploymentError(f"spec.engine.args: {flag} needs a number above zero, as in {flag}=512")
        return int(value)
    return None
