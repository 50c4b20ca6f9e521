"""One run: a deployment on a kind of hardware under a trace, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

from simpy import Environment, Event

from cake_engine.config import LiveConfig
from cake_operator.observe.sampling import Sampling
from cake_simulator.ended import Ended
from cake_simulator.file_tier import FileTier, TierSpeed
from cake_simulator.fleet import Fleet
from cake_simulator.hardware import Hardware
from cake_simulator.loading import Aiming, Loading, engines_own
from cake_simulator.policies.policy import Look, ScalingPolicy
from cake_simulator.reads import Reads
from cake_simulator.replica import Replica
from cake_simulator.router import Routing
from cake_simulator.scraping import Prometheus, Scraping
from cake_simulator.seats import EngineLimits
from cake_simulator.tally import Objective, Tally
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
    """

    name: str
    speed: TierSpeed
    capacity_bytes: float
    shared: bool = True
    ttl_seconds: float | None = None


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

    @property
    def sampling(self) -> Sampling:
        """How the operator asks for figures that are scraped like this."""
        return Sampling(scrape_interval=timedelta(seconds=self.scraping.interval))

    def alone(self, request: Request) -> float:
        """Seconds of a request's prefill on an idle device."""
        return self.hardware.device.prefill(request.input_tokens, self.limits.step_tokens)


@dataclass(frozen=True)
class Moment:
    """The fleet when the law looked at it."""

    at: float
    wanted: int
    ready: int
    in_flight: int
    ttft: float | None


@dataclass
class Result:
    """What came of a run.

    Attributes:
        tally: Of the requests.
        arrived: Requests that came.
        seconds: Until the last request ended.
        replica_hours: Of all pods from creation to end.
        moments: The fleet at each decision.
        preemptions: Requests that gave up their seat.
        prefix_tokens: Of stored prefixes, by what became of them.
        tier_bytes: By tier: read, written.
        skipped_writes: Chunks that were not stored because too many waited.
        lost_loads: Chunks that were gone when their read's turn came.
    """

    tally: Tally
    arrived: int = 0
    seconds: float = 0.0
    replica_hours: float = 0.0
    moments: list[Moment] = field(default_factory=list)
    preemptions: int = 0
    prefix_tokens: dict[str, int] = field(default_factory=lambda: {"computed": 0, "loaded": 0, "duplicated": 0})
    tier_bytes: dict[str, tuple[float, float]] = field(default_factory=dict)
    skipped_writes: int = 0
    lost_loads: int = 0

    @property
    def ends_turned(self) -> int:
        """How often the wanted number changed its direction."""
        steps = [b.wanted - a.wanted for a, b in pairwise(self.moments)]
        signs = [step > 0 for step in steps if step]
        return sum(a != b for a, b in pairwise(signs))


def simulate(
    setup: Setup, requests: Iterable[Request], policy: ScalingPolicy, told: Callable[[Ended], None] | None = None
) -> Result:
    """Run until every request has ended.

    Args:
        setup: What runs.
        requests: In order of arrival.
        policy: How many replicas there are.
        told: Told of each request as it ends; a result has only what they have in common.
    """
    return _Run(setup, requests, policy, told).result()


class _Run:
    def __init__(
        self,
        setup: Setup,
        requests: Iterable[Request],
        policy: ScalingPolicy,
        told: Callable[[Ended], None] | None,
    ) -> None:
        self._setup, self._policy, self._told = setup, policy, told
        self._env = env = Environment()
        self._requests = iter(requests)
        self._chunk_bytes = setup.hardware.kv_bytes_per_token * setup.block_tokens * setup.stored_ratio
        self._found = Result(Tally(setup.objective))
        self._all: list[Replica] = []
        shared = [tier for tier in setup.tiers if tier.shared]
        self._shared = {tier.name: self._tier(tier) for tier in shared}
        random = Random(f"{setup.seed}")
        self._prometheus = Prometheus(
            setup.scraping, setup.sampling, random, setup.ttft_percentile, setup.inter_token_percentile
        )
        start = setup.hardware.cold_start_seconds
        self._fleet = Fleet(env, self._start, setup.routing, Random(f"route {setup.seed}"), start)
        self._fleet.configure(setup.live)
        self._open = True  # whether requests may still come
        self._over = env.event()

    def result(self) -> Result:
        self._fleet.begin(self._setup.replicas)
        for process in (self._arrivals(), self._scrapes(), self._decisions(), self._losses()):
            self._env.process(process)
        self._env.run(until=self._over)
        found = self._found
        found.seconds = self._env.now
        found.replica_hours = self._fleet.replica_seconds / 3600
        for replica in self._all:
            self._count(replica)
        return found

    def _tier(self, tier: TierSetup) -> FileTier:
        capacity = max(1, int(tier.capacity_bytes / self._chunk_bytes))
        return FileTier(self._env, tier.name, tier.speed, capacity, tier.ttl_seconds)

    def _start(self, name: str) -> Replica:
        setup = self._setup

        def loading(replica: Replica) -> Loading:
            reads = Reads(
                self._env,
                [self._shared[tier.name] if tier.shared else self._tier(tier) for tier in setup.tiers],
                memory_chunks=max(1, int(setup.memory_bytes / self._chunk_bytes)),
                chunk_bytes=self._chunk_bytes,
                counters=replica.counters,
                rouse=replica.rouse,
            )
            return Loading(
                self._env,
                reads,
                replica.counters,
                chunk_tokens=setup.block_tokens,
                step_tokens=setup.limits.step_tokens,
                copy_bytes_per_second=setup.hardware.copy_bytes_per_second,
                aiming=setup.aiming,
            )

        replica = Replica(
            self._env,
            name,
            device=setup.hardware.device,
            limits=setup.limits,
            loading=loading,
            ended=self._ended,
            gaps=self._found.tally.gaps.add,
            block_tokens=setup.block_tokens,
        )
        self._all.append(replica)
        return replica

    def _arrivals(self) -> Generator[Event, Any, None]:
        for request in self._requests:
            if request.arrival > self._env.now:
                yield self._env.timeout(request.arrival - self._env.now)
            self._found.arrived += 1
            self._fleet.submit(request)
        self._open = False
        self._look_for_the_end()

    def _ended(self, ended: Ended) -> None:
        self._found.tally.add(ended, self._setup.alone(ended.request))
        if self._told is not None:
            self._told(ended)
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        if not self._open and self._found.tally.ended == self._found.arrived and not self._over.triggered:
            self._over.succeed()

    def _scrapes(self) -> Generator[Event, Any, None]:
        while True:
            self._prometheus.scrape(self._fleet.pods, self._env.now)
            yield self._env.timeout(self._setup.scraping.interval)

    def _decisions(self) -> Generator[Event, Any, None]:
        setup, fleet = self._setup, self._fleet
        while True:
            yield self._env.timeout(setup.interval)
            now, snapshot = self._env.now, self._prometheus.snapshot(self._env.now)
            look = Look(now, snapshot, fleet.wanted, len(fleet.ready), setup.fewest, setup.most)
            fleet.scale(self._policy.replicas(look))
            busy = sum(replica.in_flight for replica in fleet.pods) + fleet.unrouted
            self._found.moments.append(Moment(now, fleet.wanted, len(fleet.ready), busy, snapshot.ttft.value))

    def _losses(self) -> Generator[Event, Any, None]:
        for moment in sorted(self._setup.losses):
            yield self._env.timeout(max(0.0, moment - self._env.now))
            self._fleet.lose()

    def _count(self, replica: Replica) -> None:
        found, counters = self._found, replica.counters
        found.preemptions += counters.preemptions
        for outcome in found.prefix_tokens:
            found.prefix_tokens[outcome] += getattr(counters, outcome)
        found.lost_loads += replica.loading.lost
        for port in replica.loading.reads.ports:
            read, written = found.tier_bytes.get(port.tier.name, (0.0, 0.0))
            found.tier_bytes[port.tier.name] = read + port.bytes_read, written + port.bytes_written
            found.skipped_writes += port.skipped
