"""The plans in service, and what the engine's scheduler asks about them in a step.

How many blocks a request needs in advance, how far it may compute, where it jumps to, whether it can stop waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from vllm.config import VllmConfig
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.request import Request

from cake_engine.core.budget import OtherTokens, StepBudget
from cake_engine.vllm.accounts import count_outcome, time_stall
from cake_engine.vllm.active_plan import ActivePlan
from cake_engine.vllm.loading import PlanLoader
from cake_engine.vllm.spans import record_span
from cake_engine.vllm.spec import CakeOffloadingSpec


class ServedPlans(PlanLoader):
    """The plan of each request that has one, by its identifier."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self._live = spec.live
        self._traced = vllm_config.observability_config.otlp_traces_endpoint is not None
        self._active: dict[str, ActivePlan] = {}
        self._admit_running: dict[str, ActivePlan] = {}
        self._budget = StepBudget(self.step_tokens)

    @property
    def planning(self) -> bool:
        """Whether any request has a plan."""
        return bool(self._active)

    def new_budget(self) -> None:
        """A step begins: its tokens are given out anew."""
        self._budget.begin()

    def lookahead(self, request_id: str, computed: int, new: int) -> int:
        """Tokens beyond this step's for which a request that is being admitted needs blocks already now."""
        active = self._active.get(request_id)
        if active is None or active.blocks is not None:
            return 0
        return max(0, active.plan.end * active.plan.chunk_tokens - computed - new)

    def limit(self, request_id: str, at: int, tokens: int, others: Callable[[], OtherTokens]) -> int:
        """How many of `tokens` tokens from `at` on the request may compute in this step.

        Args:
            request_id: The request.
            at: Its tokens below it are computed or loaded.
            tokens: That vLLM would compute.
            others: Gives what all others could compute in this step.
        """
        active = self._active.get(request_id)
        if active is None:
            return tokens
        plan = active.plan
        if at >= plan.end * plan.chunk_tokens:
            return tokens
        if self._budget.left is None:  # the first to ask in this step
            share, price = self._live.current.prefix_token_share, self.costs.step_price()
            self._budget.open(others(), share, price, self._loads_end_in())
        admitting = active.blocks is None
        least = int(admitting or active.parked)  # vLLM cannot admit a request, or let it go on, without a token
        alone = plan.alone(at)  # nobody can load these: they are new text, wherever they stand
        granted = min(tokens, alone + max(self._budget.left or 0, least))
        allowed = plan.limit(at, granted)
        if admitting:
            allowed = max(allowed, min(granted, plan.chunk_tokens))
        loads_later = active.goal.loads_later if plan.filled(at + allowed) else None
        self._budget.take(max(0, allowed - alone), loads_later)
        return allowed

    def _loads_end_in(self) -> Iterator[float]:
        """Of each request that computes nothing because it waits for loads, the seconds until they have come."""
        for active in self._active.values():
            if active.blocks is not None and active.goal.seconds is not None and active.plan.filled(active.at):
                yield active.goal.seconds

    def jump(self, request: Request) -> int:
        """The token from which a running request continues; drops the plan once nothing is left of it."""
        active = self._active.get(request.request_id)
        at = request.num_computed_tokens
        if active is None or active.blocks is None:
            return at
        self.land(active, active.blocks, at)
        to = active.plan.jump(at)
        if max(at, to) >= active.plan.end * active.plan.chunk_tokens:
            self.drop(request.request_id)
        active.at = max(at, min(to, request.num_tokens - 1))
        return active.at

    def parked(self) -> list[ActivePlan]:
        """Plans whose requests wait for their loads, or were let go and have not run yet."""
        return [active for active in self._active.values() if active.parked and active.blocks is not None]

    def unpark(self, active: ActivePlan) -> int | None:
        """The token from which a parked request can run now; None while it has to wait."""
        plan = active.plan
        if active.blocks is not None:
            self.land(active, active.blocks, active.at)
        to = plan.jump(active.at)
        if to < plan.end * plan.chunk_tokens and plan.limit(to, self.step_tokens) == 0:
            return None
        active.at = to
        if to >= plan.end * plan.chunk_tokens:
            self.drop(active.request_id)
        return to

    def admit_running(self, request_id: str) -> None:
        """Admit this request without waiting next time: it has waited, and now compute has to begin.

        Its blocks are taken from it, so it is planned anew; the story is told once, by the plan that follows.
        """
        active = self._active.pop(request_id)
        time_stall(self._connector_stats, active, time.monotonic(), moved=True)
        self.release(active)
        self._admit_running[request_id] = active

    @property
    def waiting(self) -> bool:
        """Whether look-ups, reads, copies or writes are under way."""
        return bool(self._active) or self.has_pending_push_work() or self.prefetch.looking

    def new_text(self, request: Request) -> int | None:
        """Tokens that only compute can fill, of a request within its stored prefix; None for one that has none left."""
        active = self._active.get(request.request_id)
        if active is None or request.num_computed_tokens >= active.plan.end * active.plan.chunk_tokens:
            return None
        return active.plan.alone(request.num_computed_tokens)

    def text_at_once(self, request: Request) -> int:
        """Tokens of new text that a request without a seat could compute if it were admitted now.

        0 while its stored prefix, if it has one, is not in memory: the prefix comes first.
        """
        if request.num_computed_tokens:
            text = self.new_text(request)
            return request.num_tokens - request.num_computed_tokens if text is None else text
        told = self.prefetch.told(request)
        return told.stop - told.text_from if told and not any(told.chunks.values()) else 0

    def drop(self, request_id: str) -> None:
        """End a plan: count what became of it and let go of what it has under way."""
        active = self._active.pop(request_id, None)
        if active is None:
            return
        if active.blocks is None:  # never admitted
            return
        time_stall(self._connector_stats, active, time.monotonic(), moved=True)
        count_outcome(self._connector_stats, active)
        if self._traced:
            record_span(active, self.request(request_id), self._live.current.mode, self.chunk_bytes)
        self.release(active)
