"""Reads and copies of the chunks that plans ask for.

A chunk takes two moves: a tier reads it into memory, which vLLM's manager does when it is looked up, and a worker
copies it from memory into the request's blocks. Copies are jobs of ours beside vLLM's own, which are stores, or one
load of a whole prefix.
"""

from __future__ import annotations

import time

from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import TransferJob
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.kv_offload.base import LookupResult
from vllm.v1.outputs import KVConnectorOutput

from cake_engine.core import metrics
from cake_engine.core.plan import Chunk
from cake_engine.vllm import adapter_0_32 as adapter
from cake_engine.vllm.active_plan import ActivePlan, Batch, CopyJob
from cake_engine.vllm.spec import CakeOffloadingSpec

READ_JOB_BYTES = 1 << 19
"""Reads are handed over in jobs of about this size: a job's chunks become usable together, with its last one."""


class PlanLoader(adapter.OffloadSeam):
    """Moves chunks for plans, and knows what is under way."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self.tier_names = [tier.name for tier in spec.static.tiers]
        self.reading = 0
        self._copies: dict[int, CopyJob] = {}
        self._flush: set[int] = set()
        self._silent_since = self._looked = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """For how long nothing has arrived in memory although reads were under way."""
        return self._looked - self._silent_since

    def load(self, active: ActivePlan, blocks: list[int]) -> dict[int, TransferJob]:
        """Ask for a plan's missing chunks, last first; returns copies of those that are in memory."""
        plan, ready, asked = active.plan, Batch(), 0
        for chunk in plan.wanted(active.at):
            key = active.keys[chunk]
            if plan[chunk] is Chunk.STORED and self.reading + asked >= self._window:
                break
            answer = self.manager.lookup(key, active.context)
            if answer is LookupResult.HIT:
                # Pin at once: the next look-up may evict it to make room for another.
                ready.slots[chunk] = self.pin(key, active.context)
            elif answer is LookupResult.HIT_PENDING:
                if plan[chunk] is not Chunk.FETCHING:
                    plan.fetching(chunk)
                    asked += 1
                    if asked % self._job_chunks == 0:
                        self.submit_promotions()
            elif answer is LookupResult.MISS and self.presence(key, active.context)[0] is LookupResult.MISS:
                self._lose(active, chunk)
            else:
                break  # the tier has not answered, or memory is full: next step
        return dict(self._copy(active, blocks, ready, run) for run in ready.runs())

    def note_reading(self, chunks: int, now: float) -> None:
        """Say how many chunks are on their way into memory now that all plans have been asked."""
        if chunks < self.reading or not chunks:
            self._silent_since = now
        self.reading, self._looked = chunks, now

    def release(self, active: ActivePlan) -> None:
        """Let go of a plan: take back its reads, and have the workers wait for its copies before blocks are reused."""
        for job_id, job in self._copies.items():
            if job.active is active:
                job.active = None
                self._flush.add(job_id)
        if active.plan.count(Chunk.FETCHING):
            for tier in self.manager.secondary_tiers:
                tier.cancel(active.request_id)

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
        self._copies.clear()
        super().reset_cache()
        self._flush = flush

    def count(self, name: str, value: float, *labels: str) -> None:
        """Add to a counter."""
        if value:
            self._connector_stats.increase_counter(name, value, labels)

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
        self.count(metrics.LOAD_FALLBACKS, 1, "lost")

    @property
    def _window(self) -> int:
        """Chunks that may be on their way into memory at once: they can be neither used nor evicted meanwhile."""
        return max(1, adapter.memory_chunks(self.manager.primary_tier)[1] // 2)

    @property
    def _job_chunks(self) -> int:
        return max(1, READ_JOB_BYTES // self.chunk_bytes)
