"""What one plan may assume of compute and loads, from the state of the engine that serves it.

Tokens of a step go to decoding requests, then to new text, then to stored prefixes, one request after the other
(`cake_engine.core.budget`). So compute of a plan waits for what is ahead of it, shares its steps with decoding, and
delays whoever is behind. Tiers serve the reads of all plans.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cake_engine.config import LiveConfig
from cake_engine.core.budget import OtherTokens, prefix_tokens
from cake_engine.core.cost import ComputeCost
from cake_engine.core.meeting import Costs, Loads
from cake_engine.core.plan import Plan
from cake_engine.core.tier_cost import TierCost

_UNKNOWN_ERROR = 0.25
"""Taken for the relative error of a cost that was observed too rarely to have one."""


_LATE = 2.0
"""Nothing has come for this many times what all readers take for one read: from then on they take what was waited."""


@dataclass(frozen=True)
class Demand:
    """Who wants compute.

    Attributes:
        decoding: Running requests that decode.
        prefilling: Running requests in prefill, in the order in which they get tokens: id, next token, tokens.
        waiting: Requests that wait for a seat and could compute at once, the one that is being admitted among them.
    """

    decoding: int = 0
    prefilling: Sequence[tuple[str, int, int]] = ()
    waiting: Collection[str] = frozenset()


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
    _fetching: dict[str, dict[str, int]] = field(default_factory=dict, init=False)
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
        self._fetching = {request_id: plan.reading() for request_id, plan in plans.items()}
        known = self.errors()
        self._doubt = max(known.get(resource, _UNKNOWN_ERROR) for resource in ("compute", *self.tiers))

    def of(self, request_id: str) -> Costs:
        """What the plan of this request may assume; it need not have been there when the engine was looked at."""
        ahead, behind = self._queue(request_id)
        waiting = len(self._demand.waiting) - (request_id in self._demand.waiting)
        return Costs(
            compute=self._curve or self.compute.curve(self._prefix_tokens(), self._demand.decoding),
            loads={tier: self._loads(tier, cost, request_id) for tier, cost in self.tiers.items()},
            compute_ahead=ahead,
            compute_waiting=behind + waiting,
            doubt=self._doubt,
        )

    def errors(self) -> dict[str, float]:
        """Relative error of each cost that has one, by resource: "compute" or the tier."""
        errors = {"compute": self.compute.error, **{tier: cost.error for tier, cost in self.tiers.items()}}
        return {resource: error for resource, error in errors.items() if error is not None}

    def _prefix_tokens(self) -> int:
        """Tokens of a step that compute of a stored prefix gets."""
        others = OtherTokens(decode=self._demand.decoding)
        return prefix_tokens(self.step_tokens, others, self._live.prefix_token_share)

    def _queue(self, request_id: str) -> tuple[float, int]:
        """Seconds of compute that go before a request's stored prefix, and how many requests in prefill are behind it.

        New text goes first wherever it stands, stored prefixes in order. A request that does not run yet is last.
        """
        curve = self.compute.curve(self.step_tokens, self._demand.decoding)
        ahead, behind, passed = 0.0, 0, False
        for other, at, stop in self._demand.prefilling:
            plan = self._plans.get(other)
            if other == request_id:
                passed = True
            elif plan and passed:
                behind += 1
            elif plan and curve:  # of its stored prefix it computes what is below its meeting point
                size = plan.chunk_tokens
                ahead += curve(at, plan.meeting * size) + curve(max(at, plan.end * size), stop)
            elif curve:
                ahead += curve(at, stop)
        return ahead, behind

    def _loads(self, tier: str, cost: TierCost, request_id: str) -> Loads:
        """Loads from one tier: what others asked for comes first."""
        others = [reads for other, reads in self._fetching.items() if other != request_id]
        expected = cost.curve(self.chunk_bytes, self._live.load_bandwidth_bytes_per_second.get(tier))
        if expected is None:
            return Loads(None)
        silent = self._silent.get(tier, 0.0)
        late = silent > _LATE * expected(cost.readers)
        waited = silent / cost.readers
        seconds = (lambda chunks: max(expected(chunks), chunks * waited)) if late else expected
        asked = [reads.get(tier, 0) for reads in others]
        return Loads(seconds, ahead=seconds(sum(asked)), waiting=sum(1 for chunks in asked if chunks))
