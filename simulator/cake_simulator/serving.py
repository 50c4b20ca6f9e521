"""One deployment on a clock: its requests, its fleet, its metrics, and who decides on replicas and knobs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from simpy import Environment, Event

from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_simulator.ended import Ended
from cake_simulator.file_tier import FileTier
from cake_simulator.fleet import Fleet
from cake_simulator.loading import Loading
from cake_simulator.policies.policy import Look, ScalingPolicy
from cake_simulator.policies.tuning import Tuner
from cake_simulator.reads import Reads
from cake_simulator.replica import Replica
from cake_simulator.result import Moment, Result
from cake_simulator.scraping import Prometheus
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.stream import Stream
from cake_simulator.tally import Tally
from cake_simulator.trace import Request


@dataclass(frozen=True)
class Served:
    """A deployment, what comes to it, and who decides.

    Attributes:
        setup: What runs.
        requests: In order of arrival.
        policy: How many replicas there are.
        tuner: Turns the knobs; None leaves them as they are in the setup.
        told: Told of each request as it ends; a result has only what they have in common.
    """

    setup: Setup
    requests: Iterable[Request]
    policy: ScalingPolicy
    tuner: Tuner | None = None
    told: Callable[[Ended], None] | None = None


class Serving:
    """One deployment until its last request has ended.

    Attributes:
        over: When that is.
        found: What came of it, whole once it is over.
    """

    def __init__(self, env: Environment, served: Served, volumes: Mapping[str, Stream]) -> None:
        """A deployment that begins now.

        Args:
            env: The clock.
            served: What runs.
            volumes: By tier, the bytes that others use as well; a tier that is not named has its own.
        """
        self._env, self._served, self._setup, self._volumes = env, served, served.setup, volumes
        setup = self._setup
        self._requests = iter(served.requests)
        self._chunk_bytes = setup.hardware.kv_bytes_per_token * setup.block_tokens * setup.stored_ratio
        self._live = setup.live
        self._all: list[Replica] = []
        self._shared = {tier.name: self._tier(tier) for tier in setup.tiers if tier.shared}
        random = Random(f"{setup.seed}")
        self._prometheus = Prometheus(
            setup.scraping, setup.sampling, random, setup.ttft_percentile, setup.inter_token_percentile
        )
        start = setup.hardware.cold_start_seconds
        self._fleet = Fleet(env, self._start, setup.routing, Random(f"route {setup.seed}"), start)
        self._fleet.configure(setup.live)
        self._open = True  # whether requests may still come
        self.found = Result(Tally(setup.objective))
        self.over = env.event()
        self.over.callbacks.append(lambda _: self._sum_up())
        self._fleet.begin(setup.replicas)
        for process in (self._arrivals(), self._scrapes(), self._decisions(), self._losses()):
            env.process(process)

    def _tier(self, tier: TierSetup) -> FileTier:
        capacity = max(1, int(tier.capacity_bytes / self._chunk_bytes))
        stream = self._volumes.get(tier.name) if tier.shared else None
        return FileTier(
            self._env,
            tier.name,
            tier.speed,
            capacity,
            ttl=tier.ttl_seconds,
            leaving=tier.leaving,
            stream=stream,
        )

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
            gaps=self.found.tally.gaps.add,
            block_tokens=setup.block_tokens,
        )
        self._all.append(replica)
        return replica

    def _arrivals(self) -> Generator[Event, Any, None]:
        for request in self._requests:
            if request.arrival > self._env.now:
                yield self._env.timeout(request.arrival - self._env.now)
            self.found.arrived += 1
            self._fleet.submit(request)
        self._open = False
        self._look_for_the_end()

    def _ended(self, ended: Ended) -> None:
        self.found.tally.add(ended, self._setup.alone(ended.request))
        if self._served.told is not None:
            self._served.told(ended)
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        if not self._open and self.found.tally.ended == self.found.arrived and not self.over.triggered:
            self.over.succeed()

    def _scrapes(self) -> Generator[Event, Any, None]:
        while True:
            self._prometheus.scrape(self._fleet.pods, self._fleet.unrouted, self._env.now)
            yield self._env.timeout(self._setup.scraping.interval)

    def _decisions(self) -> Generator[Event, Any, None]:
        setup, fleet = self._setup, self._fleet
        while not self.over.processed:
            yield self._env.timeout(setup.interval)
            now, snapshot = self._env.now, self._prometheus.snapshot(self._env.now)
            to_come = self._prometheus.tokens_to_come(now)
            look = Look(now, snapshot, fleet.wanted, len(fleet.ready), setup.fewest, setup.most, to_come)
            fleet.scale(self._served.policy.replicas(look))
            busy = sum(replica.in_flight for replica in fleet.pods) + fleet.unrouted
            self.found.moments.append(Moment(now, fleet.wanted, len(fleet.ready), busy, snapshot.ttft.value))
            self._tune(snapshot)

    def _tune(self, snapshot: DeploymentSnapshot) -> None:
        if self._served.tuner is None:
            return
        live = self._served.tuner.live(snapshot, [pod.name for pod in self._fleet.ready], self._env.now)
        if live != self._live:
            self._live = live
            self.found.turned.append((self._env.now, live))
            arrival = self._env.timeout(self._setup.knob_delay)
            arrival.callbacks.append(lambda _: self._fleet.configure(live))

    def _losses(self) -> Generator[Event, Any, None]:
        for moment in sorted(self._setup.losses):
            yield self._env.timeout(max(0.0, moment - self._env.now))
            self._fleet.lose()

    def _sum_up(self) -> None:
        self.found.seconds = self._env.now
        self.found.replica_hours = self._fleet.replica_seconds / 3600
        for replica in self._all:
            self._count(replica)

    def _count(self, replica: Replica) -> None:
        found, counters = self.found, replica.counters
        found.preemptions += counters.preemptions
        for outcome in found.prefix_tokens:
            found.prefix_tokens[outcome] += getattr(counters, outcome)
        found.lost_loads += replica.loading.lost
        for port in replica.loading.reads.ports:
            read, written = found.tier_bytes.get(port.tier.name, (0.0, 0.0))
            found.tier_bytes[port.tier.name] = read + port.bytes_read, written + port.bytes_written
            found.skipped_writes += port.skipped
