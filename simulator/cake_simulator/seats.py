"""Who has a seat in one engine, and what a step gives to whom: decode, then new text, then stored prefixes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice

from simpy import Environment

from cake_engine.core.budget import OtherTokens, StepBudget
from cake_engine.core.cost import Span
from cake_engine.core.plan_costs import HORIZON, Demand
from cake_simulator.counters import Counters
from cake_simulator.decoding import Decoding
from cake_simulator.kv_pool import KVPool
from cake_simulator.loading import Loading
from cake_simulator.sequence import Sequence


@dataclass(frozen=True)
class EngineLimits:
    """What vLLM is started with.

    Attributes:
        step_tokens: Token budget of a step (--max-num-batched-tokens).
        seats: Requests that run at once (--max-num-seqs).
        kv_tokens: Tokens of KV that the device holds.
        stored_last: Whether tokens of stored prefixes come after those of new text, as Cake has it. Without, a step's
            tokens go to whoever came first.
    """

    step_tokens: int
    seats: int
    kv_tokens: int
    stored_last: bool = True


@dataclass
class Step:
    """What one step does.

    Attributes:
        prefill: Spans of prompts.
        decoding: Requests that decode in it.
        blocked: Whether the first that waits finds no seat or no room.
    """

    prefill: list[tuple[Sequence, Span]] = field(default_factory=list)
    decoding: int = 0
    blocked: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.prefill and not self.decoding


class Seats:
    """All requests of one engine, and the KV memory that they have.

    Attributes:
        waiting: Without a seat, the next first.
        filling: With a seat, and prompt left to compute or load.
        decoding: That generate.
        pool: KV memory.
    """

    def __init__(
        self, env: Environment, limits: EngineLimits, block_tokens: int, loading: Loading, counters: Counters
    ) -> None:
        self._env, self._limits, self._size = env, limits, block_tokens
        self._loading, self._counters = loading, counters
        self._budget = StepBudget(limits.step_tokens)
        self.pool = KVPool(limits.kv_tokens, block_tokens)
        self.waiting: deque[Sequence] = deque()
        self.filling: list[Sequence] = []
        self.decoding = Decoding()

    def __iter__(self) -> Iterator[Sequence]:
        yield from self.waiting
        yield from self.filling
        yield from self.decoding

    @property
    def running(self) -> int:
        """Requests with a seat."""
        return len(self.filling) + len(self.decoding)

    @property
    def tokens_to_come(self) -> int:
        """Tokens of prompts that are not on the device, of who waits and of who has a seat."""
        return sum(one.end - one.at for queue in (self.waiting, self.filling) for one in queue)

    def arrive(self, sequence: Sequence) -> None:
        """A request waits from now on."""
        self.waiting.append(sequence)
        self._loading.arrive(sequence, self.pool.hits(sequence.request.blocks))

    def clear(self) -> None:
        """The engine is gone."""
        self.waiting.clear()
        self.filling.clear()
        self.decoding.clear()

    def demand(self) -> Demand:
        """What plans are made beside."""
        prefilling = [(one.name, one.at, one.end) for one in self.filling]
        first = [self._loading.ahead.told(one) for one in islice(self.waiting, HORIZON)]
        return Demand(len(self.decoding), prefilling, first, len(self.waiting) - len(first))

    def schedule(self) -> Step:
        """Who gets how many tokens of the next step."""
        step = Step(decoding=self._room_to_decode())
        left = self._limits.step_tokens - step.decoding
        self._budget.begin()

        def grant(sequence: Sequence, left: int) -> int:
            tokens = min(left, sequence.end - sequence.at)
            if sequence.plan is None or not sequence.in_prefix:
                return tokens
            if not self._limits.stored_last:
                return sequence.plan.limit(sequence.at, tokens)
            if self._budget.left is None:
                share, price = self._loading.live.prefix_token_share, self._loading.costs.step_price()
                waiting = [goal.seconds for one in self.filling if (goal := one.waits_for_loads) and goal.seconds]
                self._budget.open(self._others(sequence, step.decoding), share, price, waiting)
            plan = sequence.plan
            tokens = plan.limit(sequence.at, min(tokens, self._budget.left or 0))
            self._budget.take(tokens, sequence.goal.loads_later if plan.filled(sequence.at + tokens) else None)
            return tokens

        for sequence in self.filling:
            left -= self._give(step, sequence, grant(sequence, left))
        while self.waiting and left > 0:
            sequence = self.waiting[0]
            if not self._admit(sequence):
                step.blocked = True
                break
            left -= self._give(step, sequence, grant(sequence, left))
        return step

    def _give(self, step: Step, sequence: Sequence, tokens: int) -> int:
        if tokens > 0:
            span = Span(sequence.at, sequence.at + tokens)
            self._loading.computed(sequence, span.start, span.stop)
            step.prefill.append((sequence, span))
        return max(0, tokens)

    def _others(self, besides: Sequence, decoding: int) -> OtherTokens:
        """What others could compute in this step beside stored prefixes."""
        most, texts = self._limits.step_tokens, []
        for one in self.filling:
            if one is not besides and not one.in_prefix:
                texts.append(one.end - one.at)
        seats, room = self._limits.seats - self.running, self.pool.free
        for one in self.waiting:
            room -= one.end
            if seats <= 0 or room < 0 or sum(texts) >= most:
                break
            seats -= 1
            told = self._loading.ahead.told(one)
            if not any(told.chunks.values()):
                texts.append(told.stop - told.text_from)
        ending = sum(decoding + end <= most for end in accumulate(texts))
        return OtherTokens(decoding, sum(texts), ending)

    def _room_to_decode(self) -> int:
        """One token more for every request that decodes; the newest request gives way where there is no room."""
        while self.decoding and not self.pool.grow(len(self.decoding)):
            self._preempt()
        for sequence in self.decoding:
            sequence.own += 1
        return len(self.decoding)

    def _preempt(self) -> None:
        if self.filling:
            sequence = self.filling.pop()
        else:
            sequence = self.decoding.pop_newest()
            sequence.end, sequence.paused = sequence.context, self._env.now
        self._counters.preemptions += 1
        self._loading.drop(sequence)
        self.pool.release(sequence.shared, sequence.own)
        sequence.shared, sequence.own, sequence.at, sequence.predicted = [], 0, 0, None
        self.waiting.appendleft(sequence)
        self._loading.arrive(sequence, self.pool.hits(sequence.request.blocks), first=True)

    def _admit(self, sequence: Sequence) -> bool:
        """Give a request a seat and memory for its whole prompt, if there are."""
        blocks = sequence.request.blocks
        hits = min(self.pool.hits(blocks), (sequence.end - 1) // self._size)
        own = sequence.end - hits * self._size
        if self.running >= self._limits.seats or not self.pool.admit(blocks[:hits], own):
            return False
        self.waiting.popleft()
        self.filling.append(sequence)
        sequence.shared, sequence.own, sequence.at = list(blocks[:hits]), own, hits * self._size
        self._counters.offered_load += self._loading.admit(sequence)
        if not sequence.seated:
            self._spare(0, sequence.at)
        sequence.seated = True
        return True

    def _spare(self, start: int, stop: int) -> None:
        """These tokens need no compute."""
        seconds = self._loading.costs.compute.seconds(start, stop, self._limits.step_tokens)
        self._counters.spared_compute += seconds or 0.0

    def move(self, sequence: Sequence, to: int, *, computed: bool) -> None:
        """All below token `to` is on the device: others find its full blocks, and what was computed is stored."""
        if not computed:
            self._spare(sequence.at, to)
        blocks = sequence.request.blocks
        for number in range(sequence.at // self._size, min(to // self._size, len(blocks))):
            if self.pool.share(blocks[number]):
                sequence.shared.append(blocks[number])
                sequence.own -= self._size
            if computed:
                self._loading.reads.store(blocks[number], (number + 1) * self._size)
        sequence.at = to
