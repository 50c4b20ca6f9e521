"""One engine: vLLM's continuous batching on a clock, with Cake's loads beside it.

A step gives a token to every request that decodes, and what is left of its token budget to prefill, in chunks. While
nothing but decode is going on, many steps are taken at once, until a request ends or something comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil, sqrt
from typing import Any

from simpy import Environment, Event

from cake_engine.core.budget import OtherTokens, prefix_tokens
from cake_engine.core.cost import Span
from cake_engine.core.plan_costs import Demand
from cake_simulator.counters import Counters
from cake_simulator.device import Device
from cake_simulator.kv_pool import KVPool
from cake_simulator.loading import Loading
from cake_simulator.sequence import Sequence
from cake_simulator.trace import Request

LEARN_ALWAYS, LEARN_EVERY = 200, 16
"""A device of steady speed is learned from in each of its first steps with prefill, and then now and then."""


@dataclass(frozen=True)
class EngineLimits:
    """What vLLM is started with.

    Attributes:
        step_tokens: Token budget of a step (--max-num-batched-tokens).
        seats: Requests that run at once (--max-num-seqs).
        kv_tokens: Tokens of KV that the device holds.
    """

    step_tokens: int
    seats: int
    kv_tokens: int


@dataclass(frozen=True)
class Ended:
    """What became of a request.

    Attributes:
        request: Which.
        ttft: Seconds from its arrival to its first token; None when it got none.
        inter_token: Mean seconds between its tokens; None with fewer than two.
        tokens: That were generated.
        whole: Whether it got all of them.
    """

    request: Request
    ttft: float | None
    inter_token: float | None
    tokens: int
    whole: bool


@dataclass
class _Step:
    """What one step does: spans of prefill; and how many requests decode in it."""

    prefill: list[tuple[Sequence, Span]] = field(default_factory=list)
    decoding: int = 0
    blocked: bool = False  # whether the first that waits finds no seat or no room

    @property
    def empty(self) -> bool:
        return not self.prefill and not self.decoding


class Replica:
    """One engine from its readiness on.

    Attributes:
        name: Of its pod.
        counters: What it reports.
        gaps: Called with (seconds, times) for the time between two tokens.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        *,
        device: Device,
        limits: EngineLimits,
        loading: Callable[[Replica], Loading],
        ended: Callable[[Ended], None],
        gaps: Callable[[float, int], None],
        block_tokens: int,
    ) -> None:
        self.name = name
        self.counters = Counters()
        self.gaps = gaps
        self._env, self._device, self._limits, self._ended = env, device, limits, ended
        self._size = block_tokens
        self._pool = KVPool(limits.kv_tokens, block_tokens)
        self.loading = loading(self)
        self._waiting: deque[Sequence] = deque()
        self._filling: list[Sequence] = []
        self._decoding: dict[int, Sequence] = {}
        self._ends: list[tuple[int, int]] = []
        self._context = self._steps = self._learned = 0
        self._wake = env.event()
        self._draining = self.gone = False
        self.process = env.process(self._serve())

    # From outside

    @property
    def running(self) -> int:
        """Requests with a seat."""
        return len(self._filling) + len(self._decoding)

    @property
    def waiting(self) -> int:
        """Requests without one."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """All its requests."""
        return self.running + self.waiting

    @property
    def kv_used_share(self) -> float:
        """Share of its KV memory that requests hold."""
        return self._pool.used_share

    def submit(self, request: Request) -> None:
        """A request comes.

        Raises:
            ValueError: It needs more KV than there is.
        """
        if request.input_tokens + request.output_tokens > self._limits.kv_tokens:
            raise ValueError(
                f"request {request.number} needs the KV of {request.input_tokens + request.output_tokens} tokens and"
                f" the device holds {self._limits.kv_tokens}: take another hardware profile, or --length below 1"
            )
        sequence = Sequence(request, end=request.input_tokens)
        self._waiting.append(sequence)
        alone = self.loading.costs.compute.seconds(0, request.input_tokens, self._limits.step_tokens)
        self.counters.offered_compute += alone or 0.0
        self.loading.arrive(sequence, self._pool.hits(request.blocks))
        self.rouse()

    def drain(self) -> None:
        """Take nothing new, and end once what has begun is done."""
        self._draining = True
        self.rouse()

    def lose(self) -> list[Request]:
        """The pod dies.

        Returns:
            The requests that had no token yet: a gateway sends them elsewhere. The others break.
        """
        self.gone = True
        self.loading.reads.close()
        retried = []
        for sequence in [*self._waiting, *self._filling, *self._decoding.values()]:
            if sequence.first_token is None:
                retried.append(sequence.request)
            else:
                self._tell(sequence, whole=False)
        self._waiting.clear()
        self._filling.clear()
        self._decoding.clear()
        self.rouse()
        return retried

    def rouse(self) -> None:
        """Something has come: whoever waits for something looks again."""
        _ring(self._wake)

    # The loop

    def _serve(self) -> Generator[Event, Any, None]:
        while not self.gone:
            self.loading.begin(self._demand)
            self._jump()
            step = self._schedule()
            self.loading.ask()
            if not step.empty and not self._calm(step):
                seconds = self._device.step((span for _, span in step.prefill), step.decoding, self._context)
                yield self._env.timeout(seconds)
                if not self.gone:
                    self._complete(step, seconds)
            elif not step.empty:
                yield from self._decode_on(step.decoding)
            elif self._draining and not self.in_flight:
                return
            elif self._stuck():
                self.loading.give_up()
            else:
                yield from self._sleep(self.loading.next_copy)

    def _calm(self, step: _Step) -> bool:
        """Whether nothing will happen but decode until a request ends or something comes."""
        waits = not self._waiting or step.blocked
        return not step.prefill and not self._filling and waits and not self.loading.planning

    def _stuck(self) -> bool:
        return bool(self._filling) and self.loading.quiet

    def _sleep(self, until: float | None) -> Generator[Event, Any, None]:
        self._wake = wake = self._env.event()
        if until is not None:
            alarm = self._env.timeout(max(0.0, until - self._env.now))
            alarm.callbacks.append(lambda _: _ring(wake))
        yield wake

    def _decode_on(self, decoding: int) -> Generator[Event, Any, None]:
        """Take steps of decode until the first request ends, memory ends, or something comes."""
        most = min(self._ends[0][0] - self._steps, 1 + self._pool.free // decoding)
        first = self._device.step((), decoding, self._context)
        growth = self._device.context * decoding  # each step reads one token more of each request

        def seconds(steps: int) -> float:
            return steps * first + growth * steps * (steps - 1) / 2

        began = self._env.now
        yield from self._sleep(began + seconds(most))
        if self.gone:
            return
        steps = _steps_begun(self._env.now - began, first, growth, most)
        left = began + seconds(steps) - self._env.now
        if left > 0:
            yield self._env.timeout(left)
            if self.gone:
                return
        self._pool.grow((steps - 1) * decoding)  # the schedule has taken the first step's tokens
        for sequence in self._decoding.values():
            sequence.own += steps - 1
        self.loading.stepped(first)
        self._decoded(decoding, steps, seconds(steps) / steps)

    def _demand(self) -> Demand:
        prefilling = [(one.name, one.at, one.end) for one in self._filling]
        return Demand(len(self._decoding), prefilling, len(self._waiting))

    def _jump(self) -> None:
        for sequence in self._filling:
            if sequence.plan is not None:
                to = sequence.plan.jump(sequence.at)
                if to > sequence.at:
                    self._move(sequence, to, computed=False)
                self._end_plan(sequence)

    def _end_plan(self, sequence: Sequence) -> None:
        if sequence.plan is not None and not sequence.in_prefix:
            self.loading.drop(sequence)

    # One step

    def _schedule(self) -> _Step:
        """Who gets how many tokens: decode, then new text, then stored prefixes."""
        step = _Step(decoding=self._room_to_decode())
        left = self._limits.step_tokens - step.decoding
        prefix = [-1]  # tokens of the step for stored prefixes; reckoned when the first one asks

        def grant(sequence: Sequence, left: int) -> int:
            tokens = min(left, sequence.end - sequence.at)
            if sequence.plan is None or not sequence.in_prefix:
                return tokens
            if prefix[0] < 0:
                share = self.loading.live.prefix_token_share
                prefix[0] = prefix_tokens(self._limits.step_tokens, self._others(sequence, step.decoding), share)
            tokens = sequence.plan.limit(sequence.at, min(tokens, prefix[0]))
            prefix[0] -= tokens
            return tokens

        for sequence in self._filling:
            left -= self._give(step, sequence, grant(sequence, left))
        while self._waiting and left > 0:
            sequence = self._waiting[0]
            if not self._admit(sequence):
                step.blocked = True
                break
            left -= self._give(step, sequence, grant(sequence, left))
        return step

    def _give(self, step: _Step, sequence: Sequence, tokens: int) -> int:
        if tokens > 0:
            span = Span(sequence.at, sequence.at + tokens)
            self.loading.computed(sequence, span.start, span.stop)
            step.prefill.append((sequence, span))
        return max(0, tokens)

    def _others(self, besides: Sequence, decoding: int) -> OtherTokens:
        """What others could compute in this step beside stored prefixes."""
        most, text = self._limits.step_tokens, 0
        for one in self._filling:
            if one is not besides and not one.in_prefix:
                text += one.end - one.at
        seats, room = self._limits.seats - self.running, self._pool.free
        for one in self._waiting:
            room -= one.end
            if seats <= 0 or room < 0 or text >= most:
                break
            seats -= 1
            text += self.loading.ahead.new_text(one)
        return OtherTokens(decoding, text)

    def _room_to_decode(self) -> int:
        """One token more for every request that decodes; the newest request gives way where there is no room."""
        while self._decoding and not self._pool.grow(len(self._decoding)):
            self._preempt()
        for sequence in self._decoding.values():
            sequence.own += 1
        return len(self._decoding)

    def _preempt(self) -> None:
        if self._filling:
            sequence = self._filling.pop()
        else:
            number = next(reversed(self._decoding))
            sequence = self._decoding.pop(number)
            self._ends = sorted(entry for entry in self._ends if entry[1] != number)
            sequence.produced = sequence.request.output_tokens - (sequence.ends_at - self._steps)
            self._context -= sequence.context
            sequence.end, sequence.paused = sequence.context, self._env.now
        self.counters.preemptions += 1
        self.loading.drop(sequence)
        self._pool.release(sequence.shared, sequence.own)
        sequence.shared, sequence.own, sequence.at, sequence.predicted = [], 0, 0, None
        self._waiting.appendleft(sequence)
        self.loading.arrive(sequence, self._pool.hits(sequence.request.blocks), first=True)

    def _admit(self, sequence: Sequence) -> bool:
        """Give a request a seat and memory for its whole prompt, if there are."""
        blocks = sequence.request.blocks
        hits = min(self._pool.hits(blocks), (sequence.end - 1) // self._size)
        own = sequence.end - hits * self._size
        if self.running >= self._limits.seats or not self._pool.admit(blocks[:hits], own):
            return False
        self._waiting.popleft()
        self._filling.append(sequence)
        sequence.shared, sequence.own, sequence.at = list(blocks[:hits]), own, hits * self._size
        self.counters.offered_load += self.loading.admit(sequence)
        return True

    def _complete(self, step: _Step, seconds: float) -> None:
        spans = [span for _, span in step.prefill]
        if spans:
            self._learned += 1
            if self._learned <= LEARN_ALWAYS or self._learned % LEARN_EVERY == 0:
                self.loading.costs.compute.observe(spans, step.decoding, seconds)
        self.loading.stepped(seconds)
        if step.decoding:
            self._decoded(step.decoding, 1, seconds)
        for sequence, span in step.prefill:
            self._move(sequence, span.stop, computed=True)
            self._end_plan(sequence)
            if sequence.at >= sequence.end:
                self._filling.remove(sequence)
                self._first_token(sequence)

    def _move(self, sequence: Sequence, to: int, *, computed: bool) -> None:
        """All below token `to` is on the device: others find its full blocks, and what was computed is stored."""
        blocks = sequence.request.blocks
        for number in range(sequence.at // self._size, min(to // self._size, len(blocks))):
            if self._pool.share(blocks[number]):
                sequence.shared.append(blocks[number])
                sequence.own -= self._size
            if computed:
                self.loading.reads.store(blocks[number])
        sequence.at = to

    def _first_token(self, sequence: Sequence) -> None:
        now, request = self._env.now, sequence.request
        if sequence.first_token is None:
            sequence.first_token = now
            self.counters.ttft.observe(now - request.arrival)
            self.counters.prompt_tokens += request.input_tokens
        elif sequence.paused is not None:
            self._gap(now - sequence.paused, 1)
            sequence.paused = None
        sequence.produced += 1
        self.counters.generation_tokens += 1
        if sequence.produced >= request.output_tokens:
            self._finish(sequence)
            return
        sequence.ends_at = self._steps + request.output_tokens - sequence.produced
        self._decoding[request.number] = sequence
        self._context += sequence.context
        heappush(self._ends, (sequence.ends_at, request.number))

    def _decoded(self, decoding: int, steps: int, seconds: float) -> None:
        """So many requests each got so many tokens, so many seconds apart."""
        self._steps += steps
        self._context += steps * decoding
        self.counters.generation_tokens += steps * decoding
        self._gap(seconds, steps * decoding)
        while self._ends and self._ends[0][0] <= self._steps:
            sequence = self._decoding.pop(heappop(self._ends)[1])
            sequence.produced = sequence.request.output_tokens
            self._context -= sequence.context
            self._finish(sequence)

    def _gap(self, seconds: float, times: int) -> None:
        self.counters.inter_token.observe(seconds, times)
        self.gaps(seconds, times)

    def _finish(self, sequence: Sequence) -> None:
        self._pool.release(sequence.shared, sequence.own)
        self.loading.reads.memory.used(sequence.request.blocks, self.loading.live.retain_from)
        self._tell(sequence, whole=True)

    def _tell(self, sequence: Sequence, *, whole: bool) -> None:
        request, first = sequence.request, sequence.first_token
        produced = sequence.produced if whole else self._produced(sequence)
        ttft = None if first is None else first - request.arrival
        gap = None if first is None or produced < 2 else (self._env.now - first) / (produced - 1)
        self._ended(Ended(request, ttft, gap, produced, whole))

    def _produced(self, sequence: Sequence) -> int:
        if sequence.request.number in self._decoding:
            return sequence.request.output_tokens - (sequence.ends_at - self._steps)
        return sequence.produced


def _ring(wake: Event) -> None:
    if not wake.triggered:
        wake.succeed()


def _steps_begun(elapsed: float, first: float, growth: float, most: int) -> int:
    """Steps that have begun after some time, the first taking `first` seconds and each next `growth` more."""
    if growth * most > 1e-9 * first:
        half = first - growth / 2
        steps = (-half + sqrt(half * half + 2 * growth * elapsed)) / growth
    else:
        steps = elapsed / first
    return min(most, max(1, ceil(steps - 1e-6)))
