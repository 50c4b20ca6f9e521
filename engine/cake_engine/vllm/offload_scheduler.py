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
from vllm.logger import init_logger
from vllm.v1.core.kv_cache_manager import KVCacheBlocks
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.kv_offload.base import LookupResult
from vllm.v1.outputs import KVConnectorOutput
from vllm.v1.request import Request

from cake_engine.core import metrics
from cake_engine.core.cost import ComputeCost, Span
from cake_engine.core.meeting import Costs, aim
from cake_engine.core.plan import Chunk, Plan
from cake_engine.vllm import adapter_0_32 as adapter
from cake_engine.vllm.active_plan import ActivePlan, Batch, CopyJob
from cake_engine.vllm.metrics import record_tier
from cake_engine.vllm.spec import CakeOffloadingSpec

logger = init_logger(__name__)

READ_JOB_BYTES = 1 << 19
"""Reads are handed over in jobs of about this size: a job's chunks become usable together, with its last one."""


class CakeOffloadScheduler(adapter.OffloadSeam):
    """Plans of all requests that have a stored prefix."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self.compute_cost = ComputeCost()
        self.step_tokens = int(vllm_config.scheduler_config.max_num_batched_tokens)
        self._live = spec.live
        self._tier_names = [tier.name for tier in spec.static.tiers]
        self._active: dict[str, ActivePlan] = {}
        self._copies: dict[int, CopyJob] = {}
        self._flush: set[int] = set()
        self._admit_running: set[str] = set()
        self._reading = self._evicted = 0
        self._last_arrival = self._last_poll = time.monotonic()

    # Admission

    def on_new_request(self, request: Request) -> None:
        """A request has arrived."""
        super().on_new_request(request)
        seconds = self.compute_cost.seconds(0, request.num_tokens, self.step_tokens)
        if seconds:
            self._count(metrics.OFFERED_COMPUTE, seconds)

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

    _unanswered = False

    def _plan(self, request: Request, computed: int, keys: list[Any], context: Any) -> ActivePlan | None:
        size = self.chunk_tokens
        first, tiers, resident = -(-computed // size), {}, []
        self._unanswered = False
        for chunk, key in enumerate(keys[first:], start=first):
            answer, tier = self.presence(key, context)
            if answer is LookupResult.MISS:
                break
            # Keep asking behind an open answer, so that a tier hears of all its look-ups at once.
            self._unanswered |= answer is LookupResult.RETRY
            tiers[chunk] = self._tier_names[tier]
            if tier == 0 and answer is LookupResult.HIT:
                resident.append(chunk)
        cap = self.load_cap(request.request_id)
        end = first + (len(tiers) if cap is None else min(len(tiers), cap // size))
        if self._unanswered or end == first or (end - first) * size < self._live.current.minimum_load_tokens:
            return None
        plan = Plan(first, end, size, resident=(chunk for chunk in resident if chunk < end))
        return ActivePlan(request.request_id, context, plan, keys[:end], tiers, computed)

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
        self._count(metrics.OFFERED_LOAD, (active.plan.end - active.plan.first) * self.chunk_bytes)
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

    def begin_step(self) -> None:
        """Set every plan's aim for the step that is about to be scheduled."""
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
        return bool(self._copies or self._active) or bool(super().has_pending_push_work())

    def _aim(self, active: ActivePlan) -> None:
        live, plan = self._live.current, active.plan
        ahead = self._reading - plan.count(Chunk.FETCHING)
        chunk_seconds = self._chunk_seconds(active)
        costs = Costs(
            lambda start, stop: self.compute_cost.seconds(start, stop, self.step_tokens),
            chunk_seconds,
            max(0, ahead) * (chunk_seconds or 0.0),
        )
        goal = aim(plan, active.at, live.mode, costs, live.static_meeting_point)
        plan.aim(goal.meeting, goal.floor)
        if active.predicted is None and goal.seconds is not None:
            active.predicted = (goal.meeting - plan.first) / (plan.end - plan.first)

    def _chunk_seconds(self, active: ActivePlan) -> float | None:
        """Seconds a chunk from the plan's last tier, or longer if nothing has arrived for longer."""
        tier = self._tier_names.index(active.tiers[active.plan.end - 1])
        if tier == 0:
            return 0.0
        measured = self.manager.secondary_tiers[tier - 1].read_rate
        if not measured:
            return None
        cap = self._live.current.load_bandwidth_bytes_per_second.get(self._tier_names[tier], measured)
        silence = self._last_poll - self._last_arrival if self._reading else 0.0
        return max(self.chunk_bytes / min(measured, cap), silence)

    # Each step

    def build_connector_meta(self, scheduler_output: SchedulerOutput) -> OffloadingConnectorMetadata:
        """Account for what is computed, ask for what is missing, issue copies of what has arrived."""
        for request_id in scheduler_output.preempted_req_ids or ():
            if request_id not in scheduler_output.num_scheduled_tokens:  # else it is resumed in this step, its plan new
                self.drop(request_id)
        loads: dict[int, TransferJob] = {}
        now, before = time.monotonic(), self._reading
        for active in self._active.values():
            if active.blocks is None:
                continue
            scheduled = scheduler_output.num_scheduled_tokens.get(active.request_id, 0)
            if scheduled:
                start = self.request(active.request_id).num_computed_tokens
                active.plan.computed(start, start + scheduled)
                active.at = start + scheduled
            self._time_stall(active, now, moved=scheduled > 0)
            loads.update(self._load(active, active.blocks))
        self._reading = sum(active.plan.count(Chunk.FETCHING) for active in self._active.values())
        if self._reading < before or not self._reading:
            self._last_arrival = now
        self._last_poll = now
        meta = super().build_connector_meta(scheduler_output)
        meta.load_jobs.update(loads)
        meta.jobs_to_flush = (meta.jobs_to_flush or set()) | self._flush
        self._flush = set()
        return meta

    def _load(self, active: ActivePlan, blocks: list[int]) -> dict[int, TransferJob]:
        """Ask for the plan's missing chunks, last first, and issue copies of those in memory."""
        plan, ready, asked = active.plan, Batch(), 0
        for chunk in plan.wanted(active.at):
            if plan[chunk] is Chunk.STORED and self._reading + asked >= self._read_window:
                break
            answer = self.manager.lookup(active.keys[chunk], active.context)
            if answer is LookupResult.HIT:
                # Pin at once: the next look-up may evict it to make room for another.
                ready.slots[chunk] = self.pin(active.keys[chunk], active.context)
            elif answer is LookupResult.HIT_PENDING:
                if plan[chunk] is not Chunk.FETCHING:
                    plan.fetching(chunk)
                    asked += 1
                    if asked % self._read_job_chunks == 0:
                        self.submit_promotions()
            elif (
                answer is LookupResult.RETRY
                or self.presence(active.keys[chunk], active.context)[0] is not LookupResult.MISS
            ):
                break  # the tier has not answered, or memory is full: next step
            else:
                self._lose(active, chunk)
        return dict(self._copy(active, blocks, ready, run) for run in ready.runs())

    def _copy(self, active: ActivePlan, blocks: list[int], ready: Batch, run: range) -> tuple[int, TransferJob]:
        blocks = blocks[run.start * self.chunk_blocks : run.stop * self.chunk_blocks]
        job_id, job = self.load_job(active.request_id, [ready.slots[chunk] for chunk in run], run.start, blocks)
        for chunk in run:
            active.plan.copying(chunk)
        keys = [active.keys[chunk] for chunk in run]
        self._copies[job_id] = CopyJob(active.context, keys, run, self.config.num_workers, active)
        return job_id, job

    def _lose(self, active: ActivePlan, chunk: int) -> None:
        active.plan.lost(chunk)
        self.store_again_from(active.request_id, chunk)
        self._connector_stats.increase_counter(metrics.LOAD_FALLBACKS, 1, ("lost",))

    @property
    def _read_window(self) -> int:
        """Chunks that may be on their way into memory at once: they can be neither used nor evicted meanwhile."""
        return max(1, adapter.memory_chunks(self.manager.primary_tier)[1] // 2)

    @property
    def _read_job_chunks(self) -> int:
        return max(1, READ_JOB_BYTES // self.chunk_bytes)

    def update_connector_output(self, connector_output: KVConnectorOutput) -> None:
        """Take the ends of our copies out of the workers' reports."""
        report = connector_output.kv_connector_worker_meta
        memory = self._tier_names[0]
        for name, size in zip(
            (metrics.TIER_READ_BYTES, metrics.TIER_WRITE_BYTES), adapter.transferred(report), strict=True
        ):
            if size:
                self._count(name, size, memory)
        for job_id, workers in adapter.take_completed(report, self._copies.keys()):
            job = self._copies[job_id]
            job.pending -= workers
            if job.pending:
                continue
            del self._copies[job_id]
            self._flush.discard(job_id)
            self.manager.complete_load(job.keys, job.context)
            if job.active is not None:
                for chunk in job.chunks:
                    job.active.plan.loaded(chunk)
        super().update_connector_output(connector_output)

    # Ends

    def has_pending_push_work(self) -> bool:
        """Whether the engine has to step although no request can run."""
        return bool(self._copies) or bool(super().has_pending_push_work())

    def request_finished(self, request: Request) -> tuple[bool, dict[str, Any] | None]:
        """The request ended or was aborted: copies still under way are waited for before its blocks are used again."""
        self.drop(request.request_id)
        self._admit_running.discard(request.request_id)
        return super().request_finished(request)

    def reset_cache(self) -> None:
        """Empty the memory tier."""
        for request_id in list(self._active):
            self.drop(request_id)
        flush = set(self._copies) | self._flush
        self._copies.clear()
        super().reset_cache()
        self._flush = flush

    def drop(self, request_id: str) -> None:
        """End a plan: count what became of it, take back its reads, have its copies waited for."""
        active = self._active.pop(request_id, None)
        if active is None:
            return
        self._time_stall(active, time.monotonic(), moved=True)
        self._record(active)
        for job_id, job in self._copies.items():
            if job.active is active:
                job.active = None
                self._flush.add(job_id)
        if active.plan.count(Chunk.FETCHING):
            for tier in self.manager.secondary_tiers:
                tier.cancel(request_id)

    # Figures

    def _time_stall(self, active: ActivePlan, now: float, *, moved: bool) -> None:
        if active.waiting_since is not None:
            self._connector_stats.increase_counter(metrics.STALLS, now - active.waiting_since)
        active.waiting_since = None if moved or active.blocks is None else now

    def _record(self, active: ActivePlan) -> None:
        plan, size = active.plan, active.plan.chunk_tokens
        outcome = plan.outcome()
        for chunk in range(plan.first, plan.end):
            if plan[chunk] is Chunk.LOADED:
                self._count(metrics.PREFIX_TOKENS, size, "loaded", active.tiers[chunk])
        for count, name in ((outcome.computed, "computed"), (outcome.duplicated, "duplicated")):
            if count:
                self._count(metrics.PREFIX_TOKENS, count * size, name, "")
        if outcome.meeting_ratio is not None and not outcome.open:
            self._connector_stats.observe_histogram(metrics.MEETING_POINT, outcome.meeting_ratio, ("actual",))
            if active.predicted is not None:
                self._connector_stats.observe_histogram(metrics.MEETING_POINT, active.predicted, ("predicted",))

    def _count(self, name: str, value: float, *labels: str) -> None:
        self._connector_stats.increase_counter(name, value, labels)

    def get_stats(self) -> OffloadingConnectorStats | None:
        """VLLM's figures of this step and ours."""
        stats = super().get_stats() or OffloadingConnectorStats()
        for tier in self.manager.secondary_tiers:
            record_tier(stats, tier.take_statistics())
        held, capacity = adapter.memory_chunks(self.manager.primary_tier)
        memory = (self._tier_names[0],)
        evicted = adapter.eviction_policy(self.manager.primary_tier).evictions
        if evicted > self._evicted:
            stats.increase_counter(metrics.TIER_EVICTIONS, evicted - self._evicted, memory)
        self._evicted = evicted
        stats.set_gauge(metrics.TIER_USED, held * self.chunk_bytes, memory)
        stats.set_gauge(metrics.TIER_CAPACITY, capacity * self.chunk_bytes, memory)
        return stats

    def learn(self, prefill: list[Span], decoding: int, seconds: float) -> None:
        """Learn from the time of one step."""
        self.compute_cost.observe(prefill, decoding, seconds)
