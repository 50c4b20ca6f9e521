"""Requests served on a virtual clock: the engine's own plans, policy and cost models in a world of given speeds.

One loop stands for vLLM's: before a step every plan is aimed and jumps, then the step's tokens go to decoding requests,
new text and stored prefixes, in this order; while the step runs, tiers bring what was asked for. Where nothing can be
computed the clock goes to the next arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from benchmarks.core.tier_queue import TierQueue
from benchmarks.core.worlds import Pace, World
from cake_engine.config import LiveConfig, Mode
from cake_engine.core.chunk import Chunk, Outcome
from cake_engine.core.cost import ComputeCost, Span
from cake_engine.core.meeting import Costs, Loads, aim
from cake_engine.core.plan import Plan
from cake_engine.core.plan_costs import Demand, PlanCosts
from cake_engine.core.tier_cost import TierCost

CHUNK_BYTES = 1_000_000
"""Any number does: what counts is the time of a chunk."""


class Knowledge(Enum):
    """What the policy knows of the costs."""

    GIVEN = auto()
    """The world's own figures at factor 1."""
    TAUGHT = auto()
    """Learned from 20 steps and 20 reads before the request, and on while it runs."""
    COLD = auto()
    """Learned from nothing while the request runs."""


@dataclass(frozen=True)
class Prompt:
    """One request.

    Attributes:
        arrival: When it comes.
        stored: Whether it begins with the world's stored prefix.
        new: Tokens after that, of which none are stored.
    """

    arrival: float = 0.0
    stored: bool = True
    new: int = 0


@dataclass(frozen=True)
class Served:
    """How one request went.

    Attributes:
        seconds: From its arrival until its prefix and its new text were on the device.
        outcome: How the chunks were filled; None without a stored prefix.
        filled: Chunks in the order in which they became part of the prefix.
        predicted: Meeting point that was expected first, a chunk; None where nothing was expected.
    """

    seconds: float
    outcome: Outcome | None
    filled: list[int]
    predicted: int | None


@dataclass
class _Request:
    prompt: Prompt
    plan: Plan | None
    end: int
    at: int = 0
    filled: list[int] = field(default_factory=list)
    predicted: int | None = None
    done: float | None = None

    @property
    def stored_end(self) -> int:
        return self.plan.end * self.plan.chunk_tokens if self.plan else 0

    def move(self, to: int) -> None:
        """Everything below token `to` is on the device now."""
        if self.plan:
            size = self.plan.chunk_tokens
            self.filled += range(self.at // size, min(to, self.stored_end) // size)
        self.at = to


def run(
    world: World, mode: Mode = Mode.ADAPTIVE, knowledge: Knowledge = Knowledge.GIVEN, static: float | None = None
) -> Served:
    """Serve one request that is nothing but the stored prefix."""
    return serve(world, [Prompt()], mode, knowledge, static)[0]


def serve(
    world: World,
    prompts: Sequence[Prompt],
    mode: Mode = Mode.ADAPTIVE,
    knowledge: Knowledge = Knowledge.GIVEN,
    static: float | None = None,
    *,
    prefix_last: bool = True,
) -> list[Served]:
    """Serve requests.

    Args:
        world: What compute and loads take.
        prompts: The requests, in order of arrival.
        mode: How the stored prefix is brought back.
        knowledge: What is known of the costs at the start.
        static: Meeting point of mode Static, as a fraction.
        prefix_last: Whether new text goes before stored prefixes in a step, rather than first come, first served.
    """
    return _Engine(world, prompts, mode, knowledge, static, prefix_last=prefix_last).serve()


def teach(world: World, compute: ComputeCost, tiers: Mapping[str, TierCost], times: int = 20) -> None:
    """Let the models see half and whole steps of prompts up to 16 steps long, and reads, at factor 1."""
    for number in range(times):
        start = world.step_tokens * (5 * number % 16)
        tokens = world.prefill_tokens // (1 + number % 2)
        decoding = world.decoding + number % 3
        spans = [Span(start, start + tokens)]
        compute.observe(spans, decoding, world.device.step(spans, decoding))
    for name, tier in world.tiers.items():
        queue: TierQueue[int] = TierQueue(replace(tier, pace=Pace()))
        now = 0.0
        for number in range(times):
            queue.ask(number, now)
            if number % (2 * tier.readers) in (0, 2 * tier.readers - 1) or number == times - 1:  # one alone, then many
                for arrival in queue.arrivals(float("inf")):
                    tiers[name].observe(CHUNK_BYTES, arrival.began, arrival.ended, busy=arrival.together > 1)
                    now = arrival.ended


class _Engine:
    def __init__(
        self,
        world: World,
        prompts: Sequence[Prompt],
        mode: Mode,
        knowledge: Knowledge,
        static: float | None,
        *,
        prefix_last: bool,
    ) -> None:
        self._world, self._mode, self._static, self._prefix_last = world, mode, static, prefix_last
        self._given = knowledge is Knowledge.GIVEN
        self._requests = [self._request(prompt) for prompt in prompts]
        self._queues: dict[str, TierQueue[tuple[_Request, int]]] = {
            name: TierQueue(tier) for name, tier in world.tiers.items()
        }
        self._compute = ComputeCost()
        self._tiers = {name: TierCost(tier.readers) for name, tier in world.tiers.items()}
        if knowledge is Knowledge.TAUGHT:
            teach(world, self._compute, self._tiers)
        self._costs = PlanCosts(self._compute, self._tiers, CHUNK_BYTES, world.step_tokens)
        self._now = 0.0
        self._heard = dict.fromkeys(self._queues, 0.0)

    def _request(self, prompt: Prompt) -> _Request:
        world = self._world
        homes = {chunk: world.home(chunk) for chunk in range(world.chunks)}
        missing = [chunk for chunk in world.missing if chunk < world.chunks]
        plan = Plan(0, world.chunks, world.chunk_tokens, tiers=homes, missing=missing) if prompt.stored else None
        return _Request(prompt, plan, prompt.new + (world.end if plan else 0))

    def serve(self) -> list[Served]:
        for _ in range(1_000_000):
            present = [r for r in self._requests if r.done is None and r.prompt.arrival <= self._now]
            self._aim(present)
            present = [request for request in present if not self._jump(request)]
            if all(request.done is not None for request in self._requests):
                return [self._served(request) for request in self._requests]
            step = self._schedule(present)
            self._ask(present)
            self._pass(step, decoding=self._world.decoding)
        raise AssertionError("the plans did not end")

    def _aim(self, present: list[_Request]) -> None:
        plans = {str(id(request)): request.plan for request in present if request.plan}
        demand = Demand(
            self._world.decoding, [(str(id(request)), request.at, request.end) for request in self._ordered(present)]
        )
        silent = {name: self._now - self._heard[name] if len(queue) else 0.0 for name, queue in self._queues.items()}
        if not self._given:
            self._costs.look(demand, plans, LiveConfig(), silent)
        for request in present:
            if request.plan is None or request.at >= request.stored_end:
                continue
            costs = self._known() if self._given else self._costs.of(str(id(request)))
            goal = aim(request.plan, request.at, self._mode, costs, self._static)
            request.plan.aim(goal.meeting, goal.floor)
            if request.predicted is None and goal.seconds is not None:
                request.predicted = goal.meeting

    def _known(self) -> Costs:
        return Costs(self._world.compute, {name: Loads(self._given_loads(name)) for name in self._world.tiers})

    def _given_loads(self, name: str) -> Callable[[int], float]:
        tier = self._world.tiers[name]
        chunk = max(tier.chunk_seconds, (tier.latency + tier.chunk_seconds) / tier.readers)
        latency = 0.0 if len(self._queues[name]) else tier.latency
        return lambda chunks: latency + chunks * chunk if chunks else 0.0

    def _jump(self, request: _Request) -> bool:
        """Move past what was loaded; whether the request is done."""
        if request.plan:
            request.move(max(request.at, request.plan.jump(request.at)))
        if request.at < request.end:
            return False
        request.done = self._now
        return True

    def _ordered(self, present: list[_Request]) -> list[_Request]:
        if not self._prefix_last:
            return present
        return sorted(present, key=lambda request: request.at < request.stored_end)

    def _schedule(self, present: list[_Request]) -> list[tuple[_Request, Span]]:
        budget, step = self._world.prefill_tokens, []
        for request in self._ordered(present):
            tokens = min(budget, request.end - request.at)
            if request.plan:
                tokens = request.plan.limit(request.at, tokens)
            if tokens <= 0:
                continue
            span = Span(request.at, request.at + tokens)
            if request.plan:
                request.plan.computed(span.start, span.stop)
            step.append((request, span))
            budget -= tokens
        return step

    def _ask(self, present: list[_Request]) -> None:
        for queue in self._queues.values():
            queue.take_back(lambda read: read[0].plan is None or read[0].plan[read[1]] is not Chunk.FETCHING)
        idle = [name for name, queue in self._queues.items() if not len(queue)]
        for request in present:
            if request.plan is None:
                continue
            for chunk in list(request.plan.wanted(request.at)):
                if request.plan[chunk] is Chunk.STORED:
                    request.plan.fetching(chunk)
                    self._queues[self._world.home(chunk)].ask((request, chunk), self._now)
        self._heard.update(dict.fromkeys(idle, self._now))

    def _pass(self, step: list[tuple[_Request, Span]], decoding: int) -> None:
        """Let a step go by, or without one the time until something happens."""
        if step or decoding:
            spans = [span for _, span in step]
            before, seconds = self._now, self._world.device.step(spans, decoding)
            self._now = self._world.device.pace.finish(before, seconds)
            self._compute.observe(spans, decoding, self._now - before)
            for request, span in step:
                request.move(span.stop)
        else:
            moments = [moment for queue in self._queues.values() if (moment := queue.next_arrival()) is not None]
            moments += [r.prompt.arrival for r in self._requests if r.prompt.arrival > self._now]
            self._now = max(self._now, min(moments))  # nothing to wait for is a deadlock
        for name, queue in self._queues.items():
            for arrival in queue.arrivals(self._now):
                self._heard[name] = max(self._heard[name], arrival.ended)
                self._tiers[name].observe(CHUNK_BYTES, arrival.began, arrival.ended, busy=arrival.together > 1)
                self._deliver(*arrival.item)

    def _deliver(self, request: _Request, chunk: int) -> None:
        plan = request.plan
        if plan is None or plan[chunk] is not Chunk.FETCHING:
            return
        if chunk in self._world.lost:
            plan.lost(chunk)
        else:
            plan.copying(chunk)
            plan.loaded(chunk)

    def _served(self, request: _Request) -> Served:
        seconds = (request.done or 0.0) - request.prompt.arrival
        outcome = request.plan.outcome() if request.plan else None
        return Served(seconds, outcome, request.filled, request.predicted)
