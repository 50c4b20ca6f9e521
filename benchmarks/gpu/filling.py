"""One request whose prefix is stored: filled from both ends, step by step, as the engine does it in vLLM.

Before each step what has arrived is heard, the meeting point is chosen anew, loaded chunks are jumped over, and copies
of what is in memory begin; then the tokens that the plan leaves to compute are computed while copies and reads go on.
All decisions are those of `cake_engine.core`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from torch import Tensor

from benchmarks.gpu.decoders import Decoders
from benchmarks.gpu.device import Copy, Device, Mark
from benchmarks.gpu.model import Llama
from benchmarks.gpu.pages import KvPool, PageTable
from benchmarks.gpu.phases import Phases
from benchmarks.gpu.sources import Source
from benchmarks.ttft.records import Step, Work
from cake_engine.config import LiveConfig, Mode
from cake_engine.core.chunk import Chunk, Outcome
from cake_engine.core.cost import ComputeCost, Span
from cake_engine.core.meeting import aim
from cake_engine.core.plan import Plan
from cake_engine.core.plan_costs import Demand, PlanCosts

ID = "request"
"""A filling's only request, as plans and records call it."""


@dataclass(frozen=True)
class Prompt:
    """One request.

    Attributes:
        tokens: The stored prefix and the new text behind it.
        prefix: How many of them are stored, whole chunks.
        table: Its pages; a page is a chunk.
        rows: Of CPU memory, one a chunk: what is stored, or where it comes to.
    """

    tokens: Tensor
    prefix: int
    table: PageTable
    rows: Tensor

    @property
    def chunks(self) -> int:
        """Of the stored prefix."""
        return self.prefix // self.table.page_tokens


@dataclass
class Engine:
    """What computes, and what it has learned.

    Attributes:
        step_tokens: Token budget of a step.
        decoders: Who decodes in every step; None for nobody.
        compute: What steps take, learned from all of them.
    """

    device: Device
    model: Llama
    pool: KvPool
    step_tokens: int
    decoders: Decoders | None = None
    compute: ComputeCost = field(default_factory=ComputeCost)

    @property
    def decoding(self) -> int:
        """Requests that decode."""
        return self.decoders.requests if self.decoders else 0

    def step(self, prompt: Prompt, at: int, tokens: int, phases: Phases) -> Tensor:
        """Compute tokens [at, at + tokens) of a prompt, learn from what it took, and return the last one's logits."""
        began = time.perf_counter()
        with phases.count("launching"):
            span = prompt.tokens[at : at + tokens]
            logits = self.model.step(span, at, prompt.table, self.pool, self.decoders)
            mark = self.device.mark()
        with phases.count("computing"):
            mark.wait()
        with phases.count("planning"):
            spans = [Span(at, at + tokens)] if tokens else []
            self.compute.observe(spans, self.decoding, time.perf_counter() - began)
        return logits


@dataclass(frozen=True)
class Served:
    """How a request went.

    Attributes:
        seconds: From its arrival to the first token.
        token: The first one.
        logits: It was chosen from.
        steps: Of the prefix and the new text, in seconds since the request's arrival.
        predicted: The meeting point that was expected first, a chunk; None where nothing was.
    """

    seconds: float
    token: int
    logits: Tensor
    outcome: Outcome
    phases: Phases
    steps: tuple[Step, ...]
    predicted: int | None


class Filling:
    """A request under way; `close` it, whatever happens."""

    def __init__(
        self, engine: Engine, prompt: Prompt, source: Source | None, mode: Mode, meeting: float | None = None
    ) -> None:
        """Plan; nothing is asked for yet.

        Args:
            engine: Computes.
            prompt: The request.
            source: Brings the chunks; None where they are all in memory.
            mode: How the prefix is brought back.
            meeting: In mode Static, the fraction of the prefix that is computed.
        """
        self._engine, self._prompt, self._source = engine, prompt, source
        self._mode, self._meeting = mode, meeting
        size, end = prompt.table.page_tokens, prompt.chunks
        name = source.name if source else ""
        here = () if source else range(end)
        self.plan = Plan(0, end, size, resident=here, tiers=dict.fromkeys(range(end), name))
        tiers = {name: source.cost} if source else {}
        self._costs = PlanCosts(engine.compute, tiers, engine.pool.page_bytes, engine.step_tokens)
        caps = {name: source.cap} if source and source.cap else {}
        self._live = LiveConfig(load_bandwidth_bytes_per_second=caps)
        self._reading: set[int] = set()
        self._copies: dict[int, Copy] = {}
        self._landed: list[Copy] = []
        self._landings: list[tuple[Mark, Mark]] = []
        self._steps: list[Step] = []
        self._began = self._heard = time.perf_counter()
        self.at = 0
        self.phases = Phases()
        self.predicted: int | None = None

    def serve(self) -> Served:
        """Go on until the first token is there."""
        began = self._began = time.perf_counter()
        try:
            while self.advance():
                pass
            logits = self._step(len(self._prompt.tokens) - self.at)
            token = int(logits.argmax())
            seconds = time.perf_counter() - began
        finally:
            self.close()
        return Served(seconds, token, logits, self.plan.outcome(), self.phases, tuple(self._steps), self.predicted)

    def advance(self) -> bool:
        """One step of the engine; whether a part of the prefix is still missing."""
        prefix = self._prompt.prefix
        with self.phases.count("planning"):
            self._hear()
            self._aim()
            self.at = self.plan.jump(self.at)
        self._land()
        if self.at >= prefix:
            return False
        with self.phases.count("planning"):
            self._load()
            budget = self._engine.step_tokens - self._engine.decoding
            tokens = self.plan.limit(self.at, min(budget, prefix - self.at))
            self.plan.computed(self.at, self.at + tokens)
        if tokens or self._engine.decoding:
            self._step(tokens)
            self.at += tokens
        else:
            with self.phases.count("waiting"):
                self._wait()
        return True

    def close(self) -> None:
        """Take back what was asked for, and wait for copies in flight: from here the pages may be used for others."""
        for copy in (*self._copies.values(), *self._landed):
            copy.wait()
            self.phases.copying += copy.seconds
        for before, after in self._landings:
            after.wait()
            self.phases.landing += after.seconds_since(before)
        self._copies, self._landed, self._landings = {}, [], []
        if self._source:
            self._source.drain()
        self._reading.clear()

    def _step(self, tokens: int) -> Tensor:
        began = time.perf_counter() - self._began
        logits = self._engine.step(self._prompt, self.at, tokens, self.phases)
        ended = time.perf_counter() - self._began
        work = (Work(prompt=ID, start=self.at, stop=self.at + tokens),) if tokens else ()
        self._steps.append(Step(began=began, ended=ended, prefill=work, decoding=self._engine.decoding))
        return logits

    def _hear(self) -> None:
        """Take in what has arrived and what has been copied since the last step."""
        for ended in self._source.ended() if self._source else ():
            self._heard = time.perf_counter()
            self._reading.discard(ended.chunk)
            if self.plan[ended.chunk] is not Chunk.FETCHING:
                continue  # compute was there first
            if ended.failure is None:
                self.plan.arrived(ended.chunk)
            else:
                self.plan.lost(ended.chunk)
        for chunk in [chunk for chunk, copy in self._copies.items() if copy.done]:
            self.phases.copying += self._copies.pop(chunk).seconds
            self.plan.loaded(chunk)

    def _aim(self) -> None:
        demand = Demand(self._engine.decoding, [(ID, self.at, len(self._prompt.tokens))])
        silent = time.perf_counter() - self._heard if self._reading else 0.0
        self._costs.look(demand, {ID: self.plan}, self._live, {self._source.name: silent} if self._source else {})
        goal = aim(self.plan, self.at, self._mode, self._costs.of(ID), self._meeting)
        self.plan.aim(goal.meeting, goal.floor)
        if self.predicted is None and goal.seconds is not None:
            self.predicted = goal.meeting

    def _land(self) -> None:
        """Copy what stands in memory next to compute, have compute wait for it, and jump over it at once."""
        run = self.plan.landing(self.at)
        if not run:
            return
        for chunk in run:
            if self.plan[chunk] is Chunk.RESIDENT:
                self._copy(chunk)
        before = self._engine.device.mark()
        for chunk in run:
            if (copy := self._copies.pop(chunk, None)) is not None:
                copy.before_compute()
                self.plan.loaded(chunk)
                self._landed.append(copy)
        self._landings.append((before, self._engine.device.mark()))
        self.at = self.plan.jump(self.at)

    def _load(self) -> None:
        """Ask for the chunks that the plan wants, copy those that are in memory, take back what it wants no more."""
        stale = [chunk for chunk in self._reading if self._is_stale(chunk)]
        for chunk in self._source.give_up(stale) if self._source and stale else ():
            self._reading.discard(chunk)
            if self.plan[chunk] is Chunk.FETCHING:
                self.plan.returned(chunk)
        wanted = list(self.plan.wanted(self.at))
        for chunk in wanted:
            if self.plan[chunk] is Chunk.RESIDENT:
                self._copy(chunk)
        asked = [chunk for chunk in wanted if self.plan[chunk] is Chunk.STORED]
        if self._source and asked:
            if not self._reading:
                self._heard = time.perf_counter()
            self._reading.update(asked)
            for chunk in asked:
                self.plan.fetching(chunk)
            self._source.ask(asked)

    def _is_stale(self, chunk: int) -> bool:
        return self.plan[chunk] is not Chunk.FETCHING or chunk < self.plan.floor

    def _copy(self, chunk: int) -> None:
        prompt, pool = self._prompt, self._engine.pool
        page, row = prompt.table.pages[chunk], prompt.rows[chunk]
        self.plan.copying(chunk)
        self._copies[chunk] = self._engine.device.copy(lambda: pool.load(page, row))

    def _wait(self) -> None:
        """Until a copy has ended, or something may have arrived."""
        if self._copies:
            next(iter(self._copies.values())).wait()
        elif self._source:
            self._source.wait()
        else:
            raise AssertionError(f"nothing can be computed at token {self.at}, and nothing is on its way")
