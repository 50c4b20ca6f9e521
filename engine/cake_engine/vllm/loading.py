"""Copies of chunks from memory into the blocks of the requests that planned for them.

A chunk takes two moves: a tier reads it into memory (`cake_engine.vllm.reading`), and a worker copies it from there to
the device. Copies are jobs of ours beside vLLM's own, which are stores, or one load of a whole prefix.

Most copies go on beside the forward pass, and their chunks are jumped over once the workers have reported them. What
came into memory during the last step and stands next to compute lands instead: the workers wait for its copy before the
forward pass, so the request jumps over it in the very step.
"""

from __future__ import annotations

from itertools import takewhile

from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import TransferJob
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.kv_offload.base import LookupResult
from vllm.v1.outputs import KVConnectorOutput

from cake_engine.core import metrics
from cake_engine.core.chunk import Chunk
from cake_engine.vllm import adapter
from cake_engine.vllm.active_plan import ActivePlan, Batch, CopyJob
from cake_engine.vllm.reading import PlanReader
from cake_engine.vllm.spec import CakeOffloadingSpec


class PlanLoader(PlanReader):
    """Copies for plans what has arrived, and knows which copies are under way."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self._copies: dict[int, CopyJob] = {}
        self._flush: set[int] = set()
        self._landing: dict[int, TransferJob] = {}

    def note_arrivals(self, active: ActivePlan) -> None:
        """Chunks that have come into memory since the last step are there for the one about to be scheduled."""
        for chunk in active.near:
            expected = active.plan[chunk] in (Chunk.STORED, Chunk.FETCHING)
            if expected and self.in_memory(active.keys[chunk]) is LookupResult.HIT:
                active.plan.arrived(chunk)

    def land(self, active: ActivePlan, blocks: list[int], at: int) -> None:
        """Have what stands in memory next to token `at` copied before this step's forward pass: it counts as loaded.

        The copies are sent whatever becomes of the request in this step. Should it lose its blocks, they are written
        before whoever has them next writes them.
        """
        plan, ready = active.plan, Batch()
        run = list(takewhile(lambda chunk: self._can_land(active, chunk), plan.landing(at)))
        for chunk in run:
            if plan[chunk] is Chunk.RESIDENT:
                self._take(active, chunk, ready)
        self._landing.update(self._copy(active, blocks, ready, part) for part in ready.runs())
        for job_id, job in self._copies.items():
            if job.active is active and job.chunks.start in run:
                self._let_go(job_id, job)
                for chunk in job.chunks:
                    plan.loaded(chunk)

    def take_landing(self) -> dict[int, TransferJob]:
        """Copies that the step's forward pass needs; to be sent before all others of the step."""
        landing, self._landing = self._landing, {}
        return landing

    def copies(self, active: ActivePlan, blocks: list[int]) -> dict[int, TransferJob]:
        """Copies of a plan's chunks that are in memory now; lets go of those that compute or the aim has passed."""
        plan, ready = active.plan, Batch()
        for chunk in sorted(active.near, reverse=True):
            key = active.keys[chunk]
            if plan[chunk] is Chunk.COMPUTED:
                self._pass_by(active, chunk)
                continue
            answer = self.in_memory(key)
            if answer is LookupResult.MISS:
                self._look_again(active, chunk)
            elif chunk < plan.floor:
                if plan[chunk] is Chunk.FETCHING and active.tiers[chunk] != self.tier_names[0]:
                    self._pass_by(active, chunk)
                    plan.returned(chunk)
            elif answer is LookupResult.HIT:
                self._take(active, chunk, ready)
        return dict(self._copy(active, blocks, ready, run) for run in ready.runs())

    def _can_land(self, active: ActivePlan, chunk: int) -> bool:
        copied = active.plan[chunk] is not Chunk.RESIDENT
        return copied or self.in_memory(active.keys[chunk]) is LookupResult.HIT  # else it was evicted since

    def _take(self, active: ActivePlan, chunk: int, ready: Batch) -> None:
        ready.slots[chunk] = self.pin(active.keys[chunk], active.context)
        self._pass_by(active, chunk)

    def _let_go(self, job_id: int, job: CopyJob) -> None:
        """The plan has no more use for the end of a copy: workers wait for it before the next forward pass."""
        job.active = None
        self._flush.add(job_id)

    def _pass_by(self, active: ActivePlan, chunk: int) -> None:
        """The plan has no more use for the chunk in memory or on its way there."""
        active.near.discard(chunk)
        self.reads.leave(active.keys[chunk], active.request_id)
        if chunk in active.held:
            active.held.discard(chunk)
            self.unpin(active.keys[chunk], active.context)

    def _look_again(self, active: ActivePlan, chunk: int) -> None:
        """A chunk did not arrive, or was evicted before its copy: it is on a tier still, or lost."""
        answer, tier = self.presence(active.keys[chunk], active.context)
        if answer is LookupResult.HIT:
            active.near.discard(chunk)
            active.tiers[chunk] = self.tier_names[tier]
            active.plan.returned(chunk)
        elif answer is LookupResult.MISS:
            self.lose(active, chunk)

    def _copy(self, active: ActivePlan, blocks: list[int], ready: Batch, run: range) -> tuple[int, TransferJob]:
        blocks = blocks[run.start * self.chunk_blocks : run.stop * self.chunk_blocks]
        job_id, job = self.load_job(active.request_id, [ready.slots[chunk] for chunk in run], run.start, blocks)
        for chunk in run:
            active.plan.copying(chunk)
        keys = [active.keys[chunk] for chunk in run]
        self._copies[job_id] = CopyJob(active.context, keys, run, self.config.num_workers, active)
        return job_id, job

    def release(self, active: ActivePlan) -> None:
        """Let go of a plan: take back its reads, and have the workers wait for its copies before blocks are reused."""
        for job_id, job in self._copies.items():
            if job.active is active:
                self._let_go(job_id, job)
        for chunk in list(active.near):
            self._pass_by(active, chunk)
        self.cancel_useless()
        for order in self._orders:
            order.forget(active.request_id)

    def take_flush(self) -> set[int]:
        """Copies that workers must wait for in this step."""
        flush, self._flush = self._flush, set()
        return flush

    def update_connector_output(self, connector_output: KVConnectorOutput) -> None:
        """Take the ends of our copies out of the workers' reports."""
        report = connector_output.kv_connector_worker_meta
        loaded, stored = adapter.transferred(report)
        self.count(metrics.TIER_READ_BYTES, loaded, self.tier_names[0])
        self.count(metrics.TIER_WRITE_BYTES, stored, self.tier_names[0])
        for job_id, workers in adapter.take_completed(report, self._copies.keys()):
            job = self._copies[job_id]
            job.pending -= workers
            if job.pending:
                continue
            del self._copies[job_id]
            self._flush.discard(job_id)
            with self.held():
                self.manager.complete_load(job.keys, job.context)
            if job.active is not None:
                for chunk in job.chunks:
                    job.active.plan.loaded(chunk)
        super().update_connector_output(connector_output)

    def has_pending_push_work(self) -> bool:
        """Whether the engine has to step although no request can run."""
        return bool(self._copies) or bool(super().has_pending_push_work())

    def reset_cache(self) -> None:
        """Empty the memory tier; every plan must have been released."""
        flush = set(self._copies) | self._flush
        self.fence({job_id: job.pending for job_id, job in self._copies.items()})
        self._copies.clear()
        super().reset_cache()
        self._flush = flush
