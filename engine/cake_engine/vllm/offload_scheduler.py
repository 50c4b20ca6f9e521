"""The schedule: turns each request's plan into look-ups, reads and copies, step by step.

vLLM's scheduler side of offloading stores what is computed, and would load a whole prefix before computing anything.
This one keeps the stores and replaces the loads. A request with a stored prefix is admitted at once, its blocks up to
the end of the prefix in hand; then every step
    - tells the engine's scheduler how far it may compute and where it may jump to,
    - pins what has arrived and copies it into the request's blocks, before the forward pass where it jumps over that,
    - and asks the tiers for the last chunks that are missing (a look-up starts the read into memory).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import OffloadingConnectorMetadata
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.metrics import OffloadingConnectorStats
from vllm.v1.core.kv_cache_manager import KVCacheBlocks
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.request import Request

from cake_engine.core import metrics
from cake_engine.core.cost import Span
from cake_engine.core.levels import Levels
from cake_engine.core.meeting import Aim, aim
from cake_engine.core.plan_costs import Demand
from cake_engine.vllm.accounts import MemoryAccount, time_stall
from cake_engine.vllm.active_plan import ActivePlan
from cake_engine.vllm.lora import AdapterKeys
from cake_engine.vllm.metrics import record_tier
from cake_engine.vllm.pinning import pin_prompt
from cake_engine.vllm.planning import UnansweredError, make_plan
from cake_engine.vllm.served_plans import ServedPlans
from cake_engine.vllm.spec import CakeOffloadingSpec


class CakeOffloadScheduler(ServedPlans):
    """Plans of all requests that have a stored prefix."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self._demand: Callable[[], Demand] = Demand
        self._adapters = AdapterKeys()
        self._memory = MemoryAccount(self.manager.primary_tier, self.tier_names[0], self.chunk_bytes)

    # Admission

    def on_new_request(self, request: Request) -> None:
        """A request has arrived."""
        self._adapters.apply(request)
        super().on_new_request(request)
        seconds = self.compute_cost.seconds(0, request.num_tokens, self.step_tokens)
        self.count(metrics.OFFERED_COMPUTE, seconds or 0.0)
        for metric in (metrics.SPARED_COMPUTE, metrics.DECODE_COMPUTE):
            self._connector_stats.increase_counter(metric, 0.0)  # where nothing is spared it is 0, and not absent
        with self.held():
            self.prefetch.arrive(request)

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
        self.hold_for_step()
        self.drop(request.request_id)
        found = self.keys_of(request, num_computed_tokens)
        if found is None:
            return None, False
        if request.skip_reading_prefix_cache:
            return 0, False
        before = self._admit_running.get(request.request_id)
        try:
            active = self._plan(request, num_computed_tokens, *found, before)
        except UnansweredError:
            return None, False
        if active is None:
            return 0, False
        self._active[request.request_id] = active
        if before is not None:
            active.follow(before)
        holes = active.plan.holes()
        self.skip_stores_below(request.request_id, holes[0].start if holes else active.plan.end)
        self._look()  # those that were admitted in this step before it go first, and it does not wait for itself
        self._aim(active)
        size = active.plan.chunk_tokens
        wait = active.plan.limit(num_computed_tokens, self.step_tokens) == 0
        if not wait or before is not None:
            return 0, False
        active.parked = True
        return active.plan.end * size - num_computed_tokens, True

    def _plan(
        self, request: Request, computed: int, keys: list[Any], context: Any, before: ActivePlan | None
    ) -> ActivePlan | None:
        least = self._live.current.minimum_load_tokens
        return make_plan(self, request, computed, keys, context, least=least, before=before)

    def update_state_after_alloc(self, request: Request, blocks: KVCacheBlocks, num_external_tokens: int) -> None:
        """Take the blocks of a planned request; loads begin with this step's metadata."""
        self.hold_for_step()
        active = self._active.get(request.request_id)
        if active is None:
            self._admit_running.pop(request.request_id, None)
            self.prefetch.release(request.request_id)
            return
        if active.blocks is not None:
            return
        block_ids = blocks.get_block_ids()[0]
        if len(block_ids) < active.plan.end * self.chunk_blocks:
            raise RuntimeError(
                f"request {request.request_id} was given {len(block_ids)} blocks and its stored prefix needs "
                f"{active.plan.end * self.chunk_blocks}: add --scheduler-cls cake_engine.vllm.scheduler.CakeScheduler"
            )
        active.blocks = list(block_ids)
        for chunk in active.near:
            self.reads.join(active.keys[chunk], active.request_id)
        self.prefetch.admit(active)
        if self._admit_running.pop(request.request_id, None) is None:
            self.count(metrics.OFFERED_LOAD, len(active.tiers) * self.chunk_bytes)
        if num_external_tokens:
            self.blocks_were_allocated(active.blocks)

    def begin_step(self, demand: Callable[[], Demand]) -> None:
        """Set every plan's aim for the step that is about to be scheduled.

        Args:
            demand: Says who wants compute; asked again for each request that is planned in this step.
        """
        self.new_budget()
        self._demand = demand
        if not self._active and not len(self.prefetch):
            return
        self.hold_for_step()
        self.collect()  # a tier was not silent in the last step if something came in it
        for active in self._active.values():
            self.note_arrivals(active)
        self._look()
        for active in self._active.values():
            self._aim(active)

    def _look(self) -> None:
        plans = {request_id: active.plan for request_id, active in self._active.items()}
        demand = self._demand()
        self.costs.look(demand, plans, self._live.current, self.silent_seconds)
        self.read_window.look(demand)

    def _aim(self, active: ActivePlan) -> None:
        live, plan = self._live.current, active.plan
        costs = self.costs.of(active.request_id)

        def aimed() -> Aim:
            return aim(plan, active.at, live.mode, costs, live.static_meeting_point)

        deadline = live.first_token_seconds
        goal = aimed() if deadline is None else self._level_aim(active, deadline, aimed)
        plan.aim(goal.meeting, goal.floor)
        active.goal = goal
        if active.predicted is None and goal.seconds is not None:
            active.predicted = (goal.meeting - plan.first) / (plan.end - plan.first)

    def _level_aim(self, active: ActivePlan, deadline: float, aimed: Callable[[], Aim]) -> Aim:
        """The aim with the best level of its chunks with which the first token comes in time."""
        if not self.level_names:
            return aimed()
        if active.levels is None:
            active.levels = Levels(active.tiers, self.level_names)
        self.hear_of_levels(active, active.levels)
        request, end = self.request(active.request_id), active.plan.end * active.plan.chunk_tokens
        text = self.compute_cost.seconds(end, request.num_tokens, self.step_tokens) or 0.0
        return active.levels.aim(active.plan, request.arrival_time + deadline - text - time.time(), aimed)

    # Each step

    def build_connector_meta(self, scheduler_output: SchedulerOutput) -> OffloadingConnectorMetadata:
        """Account for what is computed, ask for what is missing, issue copies of what has arrived."""
        self.hold_for_step()
        for request_id in scheduler_output.preempted_req_ids or ():
            if request_id not in scheduler_output.num_scheduled_tokens:  # else it is resumed in this step, its plan new
                self.drop(request_id)
                if self.is_known(request_id):
                    self.prefetch.arrive(self.request(request_id), first=True)
        self.collect()
        loads = self.take_landing()
        now = time.monotonic()
        for active in self._active.values():
            if active.blocks is None:
                continue
            scheduled = scheduler_output.num_scheduled_tokens.get(active.request_id, 0)
            if scheduled:
                start = self.request(active.request_id).num_computed_tokens
                active.at, active.parked = start + scheduled, False
                active.plan.computed(start, active.at)
            time_stall(self._connector_stats, active, now, moved=scheduled > 0)
            loads.update(self.copies(active, active.blocks))
        self.cancel_useless()
        self.ask(active for active in self._active.values() if active.blocks is not None)
        self.prefetch.ask()
        meta = super().build_connector_meta(scheduler_output)
        meta.load_jobs.update(loads)
        meta.jobs_to_flush = (meta.jobs_to_flush or set()) | self.take_flush()
        return meta

    def spare(self, start: int, stop: int) -> None:
        """A request goes on at `stop` without computing these tokens: they were on the device, or loaded."""
        if stop > start:
            self.count(metrics.SPARED_COMPUTE, self.compute_cost.seconds(start, stop, self.step_tokens) or 0.0)

    def learn(self, prefill: list[Span], decoding: int, seconds: float) -> None:
        """Learn from the time of one step."""
        self.compute_cost.observe(prefill, decoding, seconds)
        if decoding:
            self.count(metrics.DECODE_COMPUTE, self.compute_cost.decoding(decoding) or 0.0)
        self.read_window.stepped(seconds)

    # Ends

    def request_finished(self, request: Request) -> tuple[bool, dict[str, Any] | None]:
        """The request ended or was aborted: copies still under way are waited for before its blocks are used again."""
        with self.held():
            self.drop(request.request_id)
            self.prefetch.release(request.request_id)
        self._admit_running.pop(request.request_id, None)
        pin_prompt(self, request)
        return super().request_finished(request)

    def reset_cache(self) -> None:
        """Empty the memory tier."""
        with self.held():
            for request_id in list(self._active):
                self.drop(request_id)
            self.prefetch.reset()
        self.reads.clear()
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
