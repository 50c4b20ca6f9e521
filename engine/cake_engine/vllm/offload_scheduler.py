"""The schedule: turns each request's plan into look-ups, reads and copies, step by step.

vLLM's scheduler side of offloading stores what is computed, and would load a whole prefix before computing anything.
This one keeps the stores and replaces the loads. A request with a stored prefix is admitted at once, its blocks up to
the end of the prefix in hand; then every step
    - asks the tiers for the last chunks that are missing (a look-up starts the read into memory),
    - pins what has arrived and copies it into the request's blocks,
    - and tells the engine's scheduler how far it may compute and where it may jump to.
"""

from __future__ import annotations

import time
from typing import Any

from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import OffloadingConnectorMetadata, TransferJob
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.metrics import OffloadingConnectorStats
from vllm.v1.core.kv_cache_manager import KVCacheBlocks
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.kv_offload.base import LookupResult
from vllm.v1.request import Request

from cake_engine.core import metrics
from cake_engine.core.cost import ComputeCost, Span
from cake_engine.core.meeting import aim
from cake_engine.core.plan import Chunk, Plan
from cake_engine.core.plan_costs import Demand, PlanCosts
from cake_engine.vllm.accounts import MemoryAccount, count_outcome, time_stall
from cake_engine.vllm.active_plan import ActivePlan
from cake_engine.vllm.loading import PlanLoader
from cake_engine.vllm.lora import AdapterKeys
from cake_engine.vllm.metrics import record_tier
from cake_engine.vllm.spans import record_span
from cake_engine.vllm.spec import CakeOffloadingSpec


class CakeOffloadScheduler(PlanLoader):
    """Plans of all requests that have a stored prefix."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self.compute_cost = ComputeCost()
        self.step_tokens = int(vllm_config.scheduler_config.max_num_batched_tokens)
        self.costs = PlanCosts(
            self.compute_cost,
            {
                name: tier.read_cost
                for name, tier in zip(self.tier_names[1:], self.manager.secondary_tiers, strict=True)
            },
            self.chunk_bytes,
            self.step_tokens,
        )
        self._live = spec.live
        self._adapters = AdapterKeys()
        self._traced = vllm_config.observability_config.otlp_traces_endpoint is not None
        self._active: dict[str, ActivePlan] = {}
        self._admit_running: set[str] = set()
        self._unanswered = False
        self._memory = MemoryAccount(self.manager.primary_tier, self.tier_names[0], self.chunk_bytes)

    # Admission

    def on_new_request(self, request: Request) -> None:
        """A request has arrived."""
        self._adapters.apply(request)
        super().on_new_request(request)
        seconds = self.compute_cost.seconds(0, request.num_tokens, self.step_tokens)
        self.count(metrics.OFFERED_COMPUTE, seconds or 0.0)

    def get_num_new_matched_tokens(
        self,
        request: Request,
        num_computed_tokens: int,
        max_num_new_tokens: int | None = None,  # noqa: ARG002 - for several KV groups
    ) -> tuple[int | None, bool]:
        """Plan for the request's stored prefix.

        Returns:
            (None, False) while a tier has not answered; (0, False) to start computing at once, with or without a plan;
            (tokens, True) to wait for loads with the blocks allocated, when compute has nothing to do.
        """
        self.drop(request.request_id)
        found = self.keys_of(request, num_computed_tokens)
        if found is None:
            return None, False
        if request.skip_reading_prefix_cache:
            return 0, False
        active = self._plan(request, num_computed_tokens, *found)
        if active is None:
            return (None, False) if self._unanswered else (0, False)
        self._active[request.request_id] = active
        self.skip_stores_below(request.request_id, active.plan.end)
        self._aim(active)
        size = active.plan.chunk_tokens
        wait = active.plan.limit(num_computed_tokens, self.step_tokens) == 0
        if not wait or request.request_id in self._admit_running:
            return 0, False
        active.parked = True
        return active.plan.end * size - num_computed_tokens, True

    def _plan(self, request: Request, computed: int, keys: list[Any], context: Any) -> ActivePlan | None:
        size = self.chunk_tokens
        first, tiers, resident = -(-computed // size), [], []
        self._unanswered = False
        for chunk, key in enumerate(keys[first:], start=first):
            answer, tier = self.presence(key, context)
            if answer is LookupResult.MISS:
                break
            # Keep asking behind an open answer, so that a tier hears of all its look-ups at once.
            self._unanswered |= answer is LookupResult.RETRY
            tiers.append(tier)
            if tier == 0 and answer is LookupResult.HIT:
                resident.append(chunk)
        cap = self.load_cap(request.request_id)
        end = first + (len(tiers) if cap is None else min(len(tiers), cap // size))
        if self._unanswered or end == first or (end - first) * size < self._live.current.minimum_load_tokens:
            return None
        names = {chunk: self.tier_names[tier] for chunk, tier in zip(range(first, end), tiers, strict=False)}
        plan = Plan(first, end, size, resident=(chunk for chunk in resident if chunk < end), tiers=names)
        return ActivePlan(request.request_id, context, plan, keys[:end], names, max(tiers), computed)

    def update_state_after_alloc(self, request: Request, blocks: KVCacheBlocks, num_external_tokens: int) -> None:
        """Take the blocks of a planned request; loads begin with this step's metadata."""
        active = self._active.get(request.request_id)
        if active is None or active.blocks is not None:
            return
        block_ids = blocks.get_block_ids()[0]
        if len(block_ids) < active.plan.end * self.chunk_blocks:
            raise RuntimeError(
                f"request {request.request_id} was given {len(block_ids)} blocks and its stored prefix needs "
                f"{active.plan.end * self.chunk_blocks}: add --scheduler-cls cake_engine.vllm.scheduler.CakeScheduler"
            )
        active.blocks = list(block_ids)
        self.count(metrics.OFFERED_LOAD, (active.plan.end - active.plan.first) * self.chunk_bytes)
        self._admit_running.discard(request.request_id)
        if num_external_tokens:
            self.blocks_were_allocated(active.blocks)

    # What the engine's scheduler asks

    def lookahead(self, request_id: str, computed: int, new: int) -> int:
        """Tokens beyond this step's for which a request that is being admitted needs blocks already now."""
        active = self._active.get(request_id)
        if active is None or active.blocks is not None:
            return 0
        return max(0, active.plan.end * active.plan.chunk_tokens - computed - new)

    def limit(self, request_id: str, at: int, tokens: int, *, decoding: bool) -> int:
        """How many of `tokens` tokens from `at` on the request may compute in this step."""
        active = self._active.get(request_id)
        if active is None:
            return tokens
        plan = active.plan
        if at < plan.end * plan.chunk_tokens and decoding:
            share = int(self._live.current.prefix_token_share * self.step_tokens)
            tokens = min(tokens, max(share, plan.chunk_tokens))
        allowed = plan.limit(at, tokens)
        if active.blocks is None:  # being admitted: vLLM cannot admit a request without a token
            return max(allowed, min(tokens, plan.chunk_tokens))
        return allowed

    def begin_step(self, demand: Demand) -> None:
        """Set every plan's aim for the step that is about to be scheduled."""
        plans = {request_id: active.plan for request_id, active in self._active.items()}
        self.costs.look(demand, plans, self._live.current, self.silent_seconds)
        for active in self._active.values():
            self._aim(active)

    def jump(self, request: Request) -> int:
        """The token from which a running request continues; drops the plan once nothing is left of it."""
        active = self._active.get(request.request_id)
        at = request.num_computed_tokens
        if active is None or active.blocks is None:
            return at
        to = active.plan.jump(at)
        if max(at, to) >= active.plan.end * active.plan.chunk_tokens:
            self.drop(request.request_id)
        active.at = max(at, min(to, request.num_tokens - 1))
        return active.at

    def parked(self) -> list[ActivePlan]:
        """Plans whose requests wait for their loads."""
        return [active for active in self._active.values() if active.parked and active.blocks is not None]

    def unpark(self, active: ActivePlan) -> int | None:
        """The token from which a parked request can run now; None while it has to wait."""
        plan = active.plan
        to = plan.jump(active.at)
        if to < plan.end * plan.chunk_tokens and plan.limit(to, self.step_tokens) == 0:
            return None
        active.at, active.parked = to, False
        if to >= plan.end * plan.chunk_tokens:
            self.drop(active.request_id)
        return to

    def admit_running(self, request_id: str) -> None:
        """Admit this request without waiting next time: it has waited, and now compute has to begin."""
        self.drop(request_id)
        self._admit_running.add(request_id)

    @property
    def waiting(self) -> bool:
        """Whether reads, copies or writes are under way."""
        return bool(self._active) or self.has_pending_push_work()

    def _aim(self, active: ActivePlan) -> None:
        live, plan = self._live.current, active.plan
        goal = aim(plan, active.at, live.mode, self.costs.of(active.request_id), live.static_meeting_point)
        plan.aim(goal.meeting, goal.floor)
        if active.predicted is None and goal.seconds is not None:
            active.predicted = (goal.meeting - plan.first) / (plan.end - plan.first)

    # Each step

    def build_connector_meta(self, scheduler_output: SchedulerOutput) -> OffloadingConnectorMetadata:
        """Account for what is computed, ask for what is missing, issue copies of what has arrived."""
        for request_id in scheduler_output.preempted_req_ids or ():
            if request_id not in scheduler_output.num_scheduled_tokens:  # else it is resumed in this step, its plan new
                self.drop(request_id)
        loads: dict[int, TransferJob] = {}
        now = time.monotonic()
        for active in self._active.values():
            if active.blocks is None:
                continue
            scheduled = scheduler_output.num_scheduled_tokens.get(active.request_id, 0)
            if scheduled:
                start = self.request(active.request_id).num_computed_tokens
                active.at = start + scheduled
                active.plan.computed(start, active.at)
            time_stall(self._connector_stats, active, now, moved=scheduled > 0)
            loads.update(self.load(active, active.blocks))
        self.note_reading(sum(active.plan.count(Chunk.FETCHING) for active in self._active.values()), now)
        meta = super().build_connector_meta(scheduler_output)
        meta.load_jobs.update(loads)
        meta.jobs_to_flush = (meta.jobs_to_flush or set()) | self.take_flush()
        return meta

    def learn(self, prefill: list[Span], decoding: int, seconds: float) -> None:
        """Learn from the time of one step."""
        self.compute_cost.observe(prefill, decoding, seconds)

    # Ends

    def request_finished(self, request: Request) -> tuple[bool, dict[str, Any] | None]:
        """The request ended or was aborted: copies still under way are waited for before its blocks are used again."""
        self.drop(request.request_id)
        self._admit_running.discard(request.request_id)
        return super().request_finished(request)

    def drop(self, request_id: str) -> None:
        """End a plan: count what became of it and let go of what it has under way."""
        active = self._active.pop(request_id, None)
        if active is None:
            return
        time_stall(self._connector_stats, active, time.monotonic(), moved=True)
        count_outcome(self._connector_stats, active)
        if self._traced:
            record_span(active, self.request(request_id), self._live.current.mode, self.chunk_bytes)
        self.release(active)

    def reset_cache(self) -> None:
        """Empty the memory tier."""
        for request_id in list(self._active):
            self.drop(request_id)
        super().reset_cache()

    def get_stats(self) -> OffloadingConnectorStats | None:
        """VLLM's figures of this step and ours."""
        stats = super().get_stats() or OffloadingConnectorStats()
        for tier in self.manager.secondary_tiers:
            record_tier(stats, tier.take_statistics())
        for resource, error in self.costs.errors().items():
            stats.set_gauge(metrics.COST_ERROR, error, (resource,))
        self._memory.add_to(stats)
        return stats
