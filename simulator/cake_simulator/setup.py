"""All that a run is made of, but the trace and the law."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from cake_engine.config import LiveConfig
from cake_operator.observe.sampling import Sampling
from cake_simulator.file_tier import Leaving, TierSpeed, worth_least
from cake_simulator.hardware import Hardware
from cake_simulator.loading import Aiming, engines_own
from cake_simulator.router import Routing
from cake_simulator.scraping import Scraping
from cake_simulator.seats import EngineLimits
from cake_simulator.tally import Objective
from cake_simulator.trace import BLOCK_TOKENS, Request


@dataclass(frozen=True)
class TierSetup:
    """A tier below memory.

    Attributes:
        name: As in the CakeDeployment.
        speed: Of the volume.
        capacity_bytes: In all; for each pod where it is not shared.
        shared: Whether all pods have the same one.
        ttl_seconds: Age since last use after which a chunk leaves.
        leaving: The worth of a chunk: those of the least leave when the tier is full.
    """

    name: str
    speed: TierSpeed
    capacity_bytes: float
    shared: bool = True
    ttl_seconds: float | None = None
    leaving: Leaving = worth_least


@dataclass(frozen=True)
class Setup:
    """All that a run is made of, but the trace and the law.

    Attributes:
        hardware: Of each replica.
        limits: What each engine is started with.
        objective: What a request is promised.
        memory_bytes: Of each pod's memory tier.
        tiers: Below it, fast to slow.
        live: The live configuration.
        replicas: At the start, ready at once.
        fewest: The least replicas that a law may ask for.
        most: The most.
        scraping: How metrics come.
        interval: Seconds between two decisions.
        routing: Which replica gets a request.
        stored_ratio: Bytes of a stored chunk over those of the same on the device: what a codec makes of it.
        block_tokens: Tokens of a block of the trace, and of a chunk.
        losses: Moments at which a pod dies.
        aiming: Chooses meeting points.
        ttft_percentile: That the law looks at.
        inter_token_percentile: The same between tokens.
        seed: Of all chance.
        knob_delay: Seconds until a live configuration that is written reaches the pods: a kubelet looks once a minute.
    """

    hardware: Hardware
    limits: EngineLimits
    objective: Objective
    memory_bytes: float = 64 * 2**30
    tiers: tuple[TierSetup, ...] = ()
    live: LiveConfig = field(default_factory=LiveConfig)
    replicas: int = 1
    fewest: int = 1
    most: int = 1
    scraping: Scraping = field(default_factory=Scraping)
    interval: float = 15.0
    routing: Routing = Routing.LEAST
    stored_ratio: float = 1.0
    block_tokens: int = BLOCK_TOKENS
    losses: tuple[float, ...] = ()
    aiming: Aiming = engines_own
    ttft_percentile: float = 90.0
    inter_token_percentile: float = 90.0
    seed: int = 0
    knob_delay: float = 60.0

    @property
    def sampling(self) -> Sampling:
        """How the operator asks for figures that are scraped like this."""
        return Sampling(scrape_interval=timedelta(seconds=self.scraping.interval))

    def alone(self, request: Request) -> float:
        """Seconds of a request's prefill on an idle device."""
        return self.hardware.device.prefill(request.input_tokens, self.limits.step_tokens)
