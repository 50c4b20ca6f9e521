"""What one plan may assume of compute and loads, from the state of the engine that serves it.

Tokens of a step go to decoding requests, then to new text, then to stored prefixes, one request after the other
(`cake_engine.core.budget`). So compute of a plan waits for what is ahead of it, shares its steps with decoding, and
delays whoever is behind. Tiers serve the reads of all plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from cake_engine.config import LiveConfig
from cake_engine.core.ahead import ComputeAhead, ReadsAhead
from cake_engine.core.budget import OtherTokens, StepPrice, prefix_tokens
from cake_engine.core.cost import ComputeCost
from cake_engine.core.line import Line, Turn
from cake_engine.core.meeting import Costs, Loads
from cake_engine.core.plan import Plan
from cake_engine.core.tier_cost import TierCost

_UNKNOWN_ERROR = 0.25
"""Taken for the relative error of a cost that was observed too rarely to have one."""


_LATE = 2.0
"""Nothing has come for this many times what all readers take for one read: from then on they take what was waited."""


HORIZON = 64
"""Requests that wait, of which is told what they need: each is reckoned with in each step."""


@dataclass(frozen=True)
class Waiting:
    """One request that waits.

    Attributes:
        request: Its identifier.
        text_from: Its first token that is stored nowhere.
        stop: Its tokens.
        chunks: Stored chunks that have yet to come into memory, by tier.
    """

    request: str
    text_from: int
    stop: int
    chunks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Demand:
    """Who wants compute.

    Attributes:
        decoding: Running requests that decode.
        prefilling: Running requests in prefill, in the order in which they get tokens: id, next token, tokens.
        waiting: The first of those that wait for a seat, in their order, the one that is being admitted among them.
        beyond: How many more wait.
    """

    decoding: int = 0
    prefilling: Sequence[tuple[str, int, int]] = ()
    waiting: Sequence[Waiting] = ()
    beyond: int = 0


@dataclass
class PlanCosts:
    """Costs for each plan; `look` before every step and whenever a request is planned, then `of`.

    Attributes:
        compute: What steps take.
        tiers: What reads take, by name of the tier; the memory tier is not among them: it costs nothing beside them.
        chunk_bytes: Of one chunk.
        step_tokens: Token budget of a step.
    """

    compute: ComputeCost
    tiers: Mapping[str, TierCost]
    chunk_bytes: int
    step_tokens: int
    _demand: Demand = field(default_factory=Demand, init=False)
    _live: LiveConfig = field(default_factory=LiveConfig, init=False)
    _curve: Callable[[int, int], float] | None = field(default=None, init=False)
    _plans: Mapping[str, Plan] = field(default_factory=dict, init=False)
    _whole_steps: Callable[[int, int], float] | None = field(default=None, init=False)
    _seconds: dict[str, Callable[[int], float] | None] = field(default_factory=dict, init=False)
    _outstanding: dict[str, Mapping[str, int]] = field(default_factory=dict, init=False)
    _reads_ahead: dict[str, ReadsAhead] = field(default_factory=dict, init=False)
    _compute_ahead: ComputeAhead | None = field(default=None, init=False)
    _line: Line = field(default_factory=Line, init=False)
    _silent: Mapping[str, float] = field(default_factory=dict, init=False)
    _doubt: float = field(default=0.0, init=False)

    def look(
        self, demand: Demand, plans: Mapping[str, Plan], live: LiveConfig, silent_seconds: Mapping[str, float]
    ) -> None:
        """Take in the state of the engine.

        Args:
            demand: Who wants compute.
            plans: All that are active, by request.
            live: For the caps and the share of a step that stored prefixes may take.
            silent_seconds: By tier, for how long nothing has arrived although reads were under way; 0 when none are.
        """
        self._demand, self._plans, self._live, self._silent = demand, dict(plans), live, dict(silent_seconds)
        self._curve = self.compute.curve(self._prefix_tokens(), demand.decoding) if plans else None
        self._whole_steps = self.compute.curve(self.step_tokens, demand.decoding)
        self._seconds = {tier: self._reads(tier) for tier in self.tiers}
        self._outstanding = {request_id: plan.outstanding() for request_id, plan in plans.items()}
        asked = {request_id: plan.reading() for request_id, plan in plans.items()}
        self._reads_ahead = {tier: self._see_reads(tier, asked) for tier in self.tiers}
        self._compute_ahead = self._see_compute()
        self._line = self._stand_in_line()
        known = self.errors()
        self._doubt = max(known.get(resource, _UNKNOWN_ERROR) for resource in ("compute", *self.tiers))

    def of(self, request_id: str) -> Costs:
        """What the plan of this request may assume; it need not have been there when the engine was looked at."""
        return Costs(
            compute=self._curve or self.compute.curve(self._prefix_tokens(), self._demand.decoding),
            loads={tier: self._loads(tier, request_id) for tier in self.tiers},
            compute_ahead=self._compute_ahead.seconds(request_id) if self._compute_ahead else 0.0,
            delay=partial(self._line.delay, request_id) if self._line.behind(request_id) else None,
            doubt=self._doubt,
        )

    def behind(self, request_id: str) -> int:
        """How many requests are served after this one."""
        return self._line.behind(request_id)

    def step_price(self) -> StepPrice | None:
        """What tokens of stored prefixes cost in the step that is being scheduled; None while none was measured."""
        step = self.compute.step
        return StepPrice(*step, len(self._line)) if step else None

    def errors(self) -> dict[str, float]:
        """Relative error of each cost that has one, by resource: "compute" or the tier."""
        errors = {"compute": self.compute.error, **{tier: cost.error for tier, cost in self.tiers.items()}}
        return {resource: error for resource, error in errors.items() if error is not None}

    def _prefix_tokens(self) -> int:
        """Tokens of a step that compute of a stored prefix gets."""
        others = OtherTokens(decode=self._demand.decoding)
        return prefix_tokens(self.step_tokens, others, self._live.prefix_token_share)

    def _loads(self, tier: str, request_id: str) -> Loads:
        seconds, reads = self._seconds.get(tier), self._reads_ahead.get(tier)
        if seconds is None or reads is None:
            return Loads(None)
        mine, ahead, between = reads.chunks(request_id)
        return Loads(seconds, mine, seconds(ahead), seconds(between))

    def _see_reads(self, tier: str, asked: Mapping[str, Mapping[str, int]]) -> ReadsAhead:
        rows = []
        for request, by_tier in asked.items():
            reading, outstanding = by_tier.get(tier, 0), self._outstanding[request].get(tier, 0)
            rows.append((request, reading, max(0, outstanding - reading)))  # reads below the floor are not outstanding
        return ReadsAhead(rows)

    def _see_compute(self) -> ComputeAhead | None:
        if self._whole_steps is None:
            return None
        prefilling = [(request, at, stop, self._plans.get(request)) for request, at, stop in self._demand.prefilling]
        return ComputeAhead(prefilling, self._whole_steps)

    def _reads(self, tier: str) -> Callable[[int], float] | None:
        """Seconds until so many chunks have arrived from a tier; None while nothing was ever read."""
        cost = self.tiers[tier]
        expected = cost.curve(self.chunk_bytes, self._live.load_bandwidth_bytes_per_second.get(tier))
        silent = self._silent.get(tier, 0.0)
        if expected is None or silent <= _LATE * expected(cost.readers):
            return expected
        waited = silent / cost.readers
        return lambda chunks: max(expected(chunks), chunks * waited)

    def _stand_in_line(self) -> Line:
        """All that have a plan, as they were admitted, then those that wait."""
        waiting = [one for one in self._demand.waiting if one.request not in self._plans]
        stops = {request: stop for request, _, stop in self._demand.prefilling}
        stops |= {one.request: one.stop for one in self._demand.waiting}
        turns = []
        for request, plan in self._plans.items():
            end = plan.end * plan.chunk_tokens
            turns.append(self._turn(request, end, stops.get(request, end), self._outstanding[request]))
        turns += [self._turn(one.request, one.text_from, one.stop, one.chunks) for one in waiting]
        return Line(turns, self._demand.beyond)

    def _turn(self, request: str, text_from: int, stop: int, chunks: Mapping[str, int]) -> Turn:
        loads = [seconds(chunks.get(tier, 0)) for tier, seconds in self._seconds.items() if seconds]
        return Turn(request, self._whole_steps(text_from, stop) if self._whole_steps else 0.0, max(loads, default=0.0))
