"""One engine: vLLM's continuous batching on a clock, with Cake's loads beside it.

A step gives a token to every request that decodes, and what is left of its token budget to prefill, in chunks. While
nothing but decode is going on, many steps are taken at once, until a request ends or something comes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from simpy import Environment, Event

from cake_simulator.counters import Counters
from cake_simulator.decoding import steps_begun
from cake_simulator.device import Device
from cake_simulator.ended import Ended
from cake_simulator.loading import Loading
from cake_simulator.seats import EngineLimits, Seats, Step
from cake_simulator.sequence import Sequence
from cake_simulator.trace import Request

LEARN_ALWAYS, LEARN_EVERY = 200, 16
"""A device of steady speed is learned from in each of its first steps with prefill, and then now and then."""


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
        self.loading = loading(self)
        self._seats = Seats(env, limits, block_tokens, self.loading, self.counters)
        self._learned = 0
        self._wake = env.event()
        self._draining = self.gone = False
        self.process = env.process(self._serve())

    # From outside

    @property
    def running(self) -> int:
        """Requests with a seat."""
        return self._seats.running

    @property
    def waiting(self) -> int:
        """Requests without one."""
        return len(self._seats.waiting)

    @property
    def in_flight(self) -> int:
        """All its requests."""
        return self.running + self.waiting

    @property
    def tokens_to_come(self) -> int:
        """Tokens of its prompts that are neither computed nor loaded."""
        return self._seats.tokens_to_come

    @property
    def kv_used_share(self) -> float:
        """Share of its KV memory that requests hold."""
        return self._seats.pool.used_share

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
        alone = self.loading.costs.compute.seconds(0, request.input_tokens, self._limits.step_tokens)
        self.counters.offered_compute += alone or 0.0
        self._seats.arrive(sequence)
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
        for sequence in self._seats:
            if sequence.first_token is None:
                retried.append(sequence.request)
            else:
                self._tell(sequence, whole=False)
        self._seats.clear()
        self.rouse()
        return retried

    def rouse(self) -> None:
        """Something has come: whoever waits for something looks again."""
        _ring(self._wake)

    # The loop

    def _serve(self) -> Generator[Event, Any, None]:
        while not self.gone:
            self.loading.begin(self._seats.demand)
            self._jump()
            step = self._seats.schedule()
            self.loading.ask()
            if not step.empty and not self._calm(step):
                seconds = self._device.step(
                    (span for _, span in step.prefill), step.decoding, self._seats.decoding.context
                )
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

    def _calm(self, step: Step) -> bool:
        """Whether nothing will happen but decode until a request ends or something comes."""
        waits = not self._seats.waiting or step.blocked
        return not step.prefill and not self._seats.filling and waits and not self.loading.planning

    def _stuck(self) -> bool:
        return bool(self._seats.filling) and self.loading.quiet

    def _sleep(self, until: float | None) -> Generator[Event, Any, None]:
        self._wake = wake = self._env.event()
        if until is not None:
            alarm = self._env.timeout(max(0.0, until - self._env.now))
            alarm.callbacks.append(lambda _: _ring(wake))
        yield wake

    def _decode_on(self, decoding: int) -> Generator[Event, Any, None]:
        """Take steps of decode until the first request ends, memory ends, or something comes."""
        seats = self._seats
        most = min(seats.decoding.steps_left, 1 + seats.pool.free // decoding)
        first = self._device.step((), decoding, seats.decoding.context)
        growth = self._device.context * decoding  # each step reads one token more of each request

        def seconds(steps: int) -> float:
            return steps * first + growth * steps * (steps - 1) / 2

        began = self._env.now
        yield from self._sleep(began + seconds(most))
        if self.gone:
            return
        steps = steps_begun(self._env.now - began, first, growth, most)
        left = began + seconds(steps) - self._env.now
        if left > 0:
            yield self._env.timeout(left)
            if self.gone:
                return
        seats.pool.grow((steps - 1) * decoding)  # the schedule has taken the first step's tokens
        for sequence in seats.decoding:
            sequence.own += steps - 1
        self.loading.stepped(first)
        self._decoded(decoding, steps, seconds(steps) / steps)

    def _jump(self) -> None:
        for sequence in self._seats.filling:
            if sequence.plan is not None:
                to = sequence.plan.jump(sequence.at)
                if to > sequence.at:
                    self._seats.move(sequence, to, computed=False)
                self._end_plan(sequence)

    def _end_plan(self, sequence: Sequence) -> None:
        if sequence.plan is not None and not sequence.in_prefix:
            self.loading.drop(sequence)

    def _complete(self, step: Step, seconds: float) -> None:
        spans = [span for _, span in step.prefill]
        if spans:
            self._learned += 1
            if self._learned <= LEARN_ALWAYS or self._learned % LEARN_EVERY == 0:
                self.loading.costs.compute.observe(spans, step.decoding, seconds)
        self.loading.stepped(seconds)
        if step.decoding:
            self._decoded(step.decoding, 1, seconds)
        for sequence, span in step.prefill:
            self._seats.move(sequence, span.stop, computed=True)
            self._end_plan(sequence)
            if sequence.at >= sequence.end:
                self._seats.filling.remove(sequence)
                self._first_token(sequence)

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
        self._seats.decoding.add(sequence)

    def _decoded(self, decoding: int, steps: int, seconds: float) -> None:
        """So many requests each got so many tokens, so many seconds apart."""
        self.counters.generation_tokens += steps * decoding
        self.counters.decode_compute += steps * (self.loading.costs.compute.decoding(decoding) or 0.0)
        self._gap(seconds, steps * decoding)
        for sequence in self._seats.decoding.advance(decoding, steps):
            self._finish(sequence)

    def _gap(self, seconds: float, times: int) -> None:
        self.counters.inter_token.observe(seconds, times)
        self.gaps(seconds, times)

    def _finish(self, sequence: Sequence) -> None:
        self._seats.pool.release(sequence.shared, sequence.own)
        self.loading.reads.memory.used(sequence.request.blocks, self.loading.live.retain_from)
        self._tell(sequence, whole=True)

    def _tell(self, sequence: Sequence, *, whole: bool) -> None:
        request, first = sequence.request, sequence.first_token
        produced = sequence.produced if whole else self._seats.decoding.produced(sequence)
        ttft = None if first is None else first - request.arrival
        gap = None if first is None or produced < 2 else (self._env.now - first) / (produced - 1)
        self._ended(Ended(request, ttft, gap, produced, whole))


def _ring(wake: Event) -> None:
    if not wake.triggered:
        wake.succeed()
