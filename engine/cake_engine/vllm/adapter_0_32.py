"""Everything of vLLM 0.32 that Cake touches and that vLLM does not promise to keep, in one file.

The offloading seam (OffloadingSpec, SecondaryTierManager, CachePolicy, OffloadingWorker) is vLLM's own extension point.
What has no hook there is reached here, by name, through small methods: another vLLM version gets a file of its own.
`check_version` and `refuse_unsupported` run at start-up, before a request could be served wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import vllm
from vllm import _custom_ops
from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1 import offloading_connector
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import (
    OffloadingConnectorMetadata,
    OffloadingWorkerMetadata,
    TransferJob,
)
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.scheduler import (
    OffloadingConnectorScheduler,
    RequestOffloadState,
)
from vllm.v1.core.sched.output import NewRequestData, SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig
from vllm.v1.kv_offload.base import GPULoadStoreSpec, LookupResult, OffloadKey, ReqContext
from vllm.v1.kv_offload.cpu.common import CPULoadStoreSpec
from vllm.v1.request import Request, RequestStatus

SUPPORTED = "0.32"
SCHEDULER = "CakeScheduler"
LOAD_PREFIX = "cake:"
"""Marks the transfer jobs that are ours: the engine must not take their end for the end of a request's own load."""


class UnsupportedError(RuntimeError):
    """This vLLM, model or setting cannot be served exactly by Cake; the text says why and what to do."""


def check_version(version: str = vllm.__version__) -> None:
    """Refuse a vLLM that this adapter was not written for.

    Raises:
        UnsupportedError: It is another version.
    """
    if ".".join(version.split(".")[:2]) != SUPPORTED:
        raise UnsupportedError(
            f"Cake supports vLLM {SUPPORTED} and this is {version}: install vllm=={SUPPORTED}.0, or serve without Cake."
        )


def refuse_unsupported(vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
    """Refuse what Cake cannot serve exactly.

    Raises:
        UnsupportedError: With the reason and what to change.
    """
    groups = kv_cache_config.kv_cache_groups
    parallel = vllm_config.parallel_config
    reason = None
    if len(groups) != 1:
        reason = f"the model has {len(groups)} KV cache groups (hybrid attention) and Cake needs exactly one"
    elif not isinstance(groups[0].kv_cache_spec, FullAttentionSpec) or groups[0].kv_cache_spec.sliding_window:
        kind = type(groups[0].kv_cache_spec).__name__
        reason = f"the model's KV cache is {kind} with a window or a state, and Cake needs full attention in all layers"
    elif vllm_config.speculative_config is not None:
        reason = "speculative decoding is on: remove --speculative-config"
    elif parallel.pipeline_parallel_size > 1:
        reason = "pipeline parallelism is on: set --pipeline-parallel-size 1"
    elif parallel.decode_context_parallel_size > 1 or parallel.prefill_context_parallel_size > 1:
        reason = "context parallelism is on: set its sizes to 1"
    elif not vllm_config.cache_config.enable_prefix_caching:
        reason = "prefix caching is off: remove --no-enable-prefix-caching"
    elif not vllm_config.scheduler_config.enable_chunked_prefill:
        reason = "chunked prefill is off: remove --no-enable-chunked-prefill"
    elif not any(cls.__name__ == SCHEDULER for cls in vllm_config.scheduler_config.get_scheduler_cls().__mro__):
        reason = f"its scheduler is not Cake's: add --scheduler-cls cake_engine.vllm.scheduler.{SCHEDULER}"
    if reason:
        raise UnsupportedError(f"Cake cannot serve this: {reason}; or serve without Cake.")


@contextmanager
def connector_scheduler(cls: type[OffloadingConnectorScheduler]) -> Iterator[None]:
    """While inside, vLLM's OffloadingConnector builds `cls` as its scheduler side; it has no parameter for it."""
    original = offloading_connector.OffloadingConnectorScheduler
    offloading_connector.OffloadingConnectorScheduler = cls
    try:
        yield
    finally:
        offloading_connector.OffloadingConnectorScheduler = original


class OffloadSeam(OffloadingConnectorScheduler):
    """vLLM's scheduler side of offloading, with names for its private state."""

    @property
    def chunk_tokens(self) -> int:
        """Tokens of one stored chunk."""
        return int(self.config.kv_group_configs[0].tokens_per_chunk)

    @property
    def chunk_blocks(self) -> int:
        """Device blocks of one stored chunk."""
        return int(self.config.blocks_per_chunk)

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one stored chunk, over all workers."""
        return int(self.manager.primary_tier.get_kv_memoryview().strides[0])

    @property
    def memory_capacity(self) -> int:
        """Chunks that the memory tier can hold."""
        return memory_chunks(self.manager.primary_tier)[1]

    def request(self, request_id: str) -> Request:
        """The engine's request."""
        return self._req_status[request_id].req

    def is_known(self, request_id: str) -> bool:
        """Whether the request has not ended."""
        return request_id in self._req_status and not self.request(request_id).is_finished()

    def keys_of(self, request: Request, computed_tokens: int) -> tuple[list[OffloadKey], ReqContext] | None:
        """The keys of the request's full chunks; None while stores from before a preemption are in flight."""
        state = self._state(request.request_id)
        state.group_states[0].block_ids.clear()
        if state.transfer_jobs:
            return None
        state.update_offload_keys()
        state.num_locally_computed_tokens = computed_tokens
        return list(state.group_states[0].offload_keys), state.req_context

    def known_keys(self, request_id: str) -> tuple[list[OffloadKey], ReqContext]:
        """The keys of a request's full chunks at its arrival, while vLLM has not yet asked about it."""
        state = self._state(request_id)
        state.update_offload_keys()
        return list(state.group_states[0].offload_keys), state.req_context

    def load_cap(self, request_id: str) -> int | None:
        """The request's own bound on loaded tokens (kv_transfer_params.max_load_tokens)."""
        return self._state(request_id).max_load_tokens

    def skip_stores_below(self, request_id: str, chunk: int) -> None:
        """Chunks below this one are stored already."""
        group = self._state(request_id).group_states[0]
        group.next_stored_chunk_idx = max(group.next_stored_chunk_idx, chunk)

    def store_again_from(self, request_id: str, chunk: int) -> None:
        """A chunk turned out not to be stored: stores start over from it (those present are skipped by the manager)."""
        group = self._state(request_id).group_states[0]
        group.next_stored_chunk_idx = min(group.next_stored_chunk_idx, chunk)

    def blocks_were_allocated(self, block_ids: Iterable[int]) -> None:
        """Blocks given out this step: stores that still read them must be flushed before they are written."""
        self._current_batch_allocated_block_ids.update(block for block in block_ids if block)

    def presence(self, key: OffloadKey, context: ReqContext) -> tuple[LookupResult, int]:
        """Where a chunk is, without moving it: the manager's own look-up would start to promote it at once.

        Returns:
            HIT, RETRY or MISS, and the index of the tier (0 is memory).
        """
        memory = self.manager.primary_tier.lookup(key, context)
        if memory in (LookupResult.HIT, LookupResult.HIT_PENDING):
            return memory, 0
        answer = LookupResult.MISS
        for index, tier in enumerate(self.manager.secondary_tiers, start=1):
            if not context.load_tier_filter.allows(tier.medium, tier.locality):
                continue
            result = tier.lookup(key, context)
            if result is LookupResult.HIT:
                return result, index
            if result is LookupResult.RETRY:
                answer = result
        return answer, 0

    def in_memory(self, key: OffloadKey) -> LookupResult:
        """HIT where a chunk is in memory, HIT_PENDING where it is on its way there, else MISS; moves nothing."""
        return self.manager.primary_tier.lookup(key, None)

    def settle_transfers(self) -> None:
        """Let vLLM's manager take the tiers' results, which it does otherwise with its first look-up of a step."""
        self.manager._maybe_process_finished_jobs()

    def submit_promotions(self) -> None:
        """Hand over the promotions asked for so far: results come a job at a time, so small jobs arrive one by one."""
        self.manager._flush_pending_promotions()

    def pin(self, key: OffloadKey, context: ReqContext) -> int:
        """Keep a chunk in memory until `complete_load`; returns its slot."""
        return int(self.manager.prepare_load([key], context).chunk_ids[0])

    def unpin(self, key: OffloadKey, context: ReqContext) -> None:
        """Undo one `pin`."""
        self.manager.complete_load([key], context)

    def load_job(
        self, request_id: str, slots: list[int], first_chunk: int, blocks: list[int]
    ) -> tuple[int, TransferJob]:
        """A copy from memory slots into device blocks that begin at `first_chunk`, and its id.

        The id is from vLLM's own counter, so that reports which arrive after a reset are skipped like its own.
        """
        destination = GPULoadStoreSpec(
            blocks, group_sizes=[len(blocks)], block_indices=[first_chunk * self.chunk_blocks]
        )
        return self._generate_job_id(), TransferJob(LOAD_PREFIX + request_id, CPULoadStoreSpec(slots), destination)

    def _state(self, request_id: str) -> RequestOffloadState:
        return self._req_status[request_id]


def memory_chunks(primary: Any) -> tuple[int, int]:
    """Chunks that the memory tier holds, and how many it can hold."""
    return primary._num_allocated_chunks - len(primary._free_list), primary._num_chunks


def eviction_policy(primary: Any) -> Any:
    """The memory tier's eviction policy."""
    return primary._policy


def transferred(meta: object) -> tuple[int, int]:
    """Bytes that a worker report says were copied out of and into the memory tier."""
    if not isinstance(meta, OffloadingWorkerMetadata):
        return 0, 0
    return meta.transfer_stats.load.bytes, meta.transfer_stats.store.bytes


def take_completed(meta: object, job_ids: Collection[int]) -> Iterator[tuple[int, int]]:
    """Remove our jobs from a worker report and yield them as (job, workers done): vLLM does not know them."""
    if isinstance(meta, OffloadingWorkerMetadata):
        for job_id in [job for job in meta.completed_jobs if job in job_ids]:
            yield job_id, meta.completed_jobs.pop(job_id)


def take_loads(meta: OffloadingConnectorMetadata) -> OffloadingConnectorMetadata | None:
    """Take our loads out of a step's metadata, to submit them before its forward pass rather than after."""
    ours = {job: load for job, load in meta.load_jobs.items() if load.req_id.startswith(LOAD_PREFIX)}
    for job in ours:
        del meta.load_jobs[job]
    return OffloadingConnectorMetadata(load_jobs=ours, store_jobs={}) if ours else None


def move_to(scheduler: Scheduler, request: Request, token: int) -> None:
    """Continue a request from `token`, and count what it skipped as cached outside the device."""
    skipped = token - request.num_computed_tokens
    request.num_computed_tokens = token
    if scheduler.connector_prefix_cache_stats is not None and not request.num_preemptions:
        scheduler.connector_prefix_cache_stats.hits += skipped
    stats = request.prefill_stats
    if stats is not None and skipped > 0:
        stats.set(stats.num_prompt_tokens, stats.num_local_cached_tokens, stats.num_external_cached_tokens + skipped)


def resume_parked(scheduler: Scheduler, request: Request, token: int) -> None:
    """Let a request that waits for its load run, with the KV of tokens below `token` in place."""
    stats = request.prefill_stats
    if stats is not None:
        stats.set(stats.num_prompt_tokens, stats.num_local_cached_tokens, token - stats.num_local_cached_tokens)
    request.num_computed_tokens = token
    scheduler.finished_recving_kv_req_ids.add(request.request_id)


def readmit_parked(scheduler: Scheduler, request: Request) -> None:
    """Take the blocks of a request that waits for its load and let it be admitted anew."""
    scheduler.kv_holding_waiting.remove_requests([request])
    scheduler.deferred_waiting.discard(request)
    scheduler._inflight_prefills.discard(request)
    scheduler.finished_recving_kv_req_ids.discard(request.request_id)
    scheduler._set_kv_fetch_stage(request, None)
    scheduler.kv_cache_manager.free(request)
    request.num_computed_tokens = 0
    request.status = RequestStatus.PREEMPTED if request.num_preemptions else RequestStatus.WAITING
    scheduler.waiting.prepend_request(request)


def announce_again(scheduler: Scheduler, output: SchedulerOutput, request_ids: Collection[str]) -> None:
    """Send requests that jumped as new ones: model runner V2 keeps positions on the device and follows only so."""
    cached = output.scheduled_cached_reqs
    for request_id in request_ids:
        if request_id not in cached.req_ids:
            continue
        index = cached.req_ids.index(request_id)
        request = scheduler.requests[request_id]
        computed = cached.num_computed_tokens[index]
        for column in (cached.req_ids, cached.new_block_ids, cached.num_computed_tokens, cached.num_output_tokens):
            column.pop(index)
        if cached.new_token_ids:
            cached.new_token_ids.pop(index)
        cached.all_token_ids.pop(request_id, None)
        data = NewRequestData.from_request(
            request, scheduler.kv_cache_manager.get_block_ids(request_id), request._all_token_ids
        )
        data.num_computed_tokens = computed
        output.scheduled_new_reqs.append(data)


def cpu_kernel(vllm_config: Any, spec: Any) -> str:
    """The instructions that vLLM's attention kernel for CPUs is built for, chosen as its backend chooses them."""
    from vllm.v1.attention.backends.cpu_attn import _get_attn_isa  # noqa: PLC0415 - a backend that GPUs do not load

    cache, model = vllm_config.cache_config, vllm_config.model_config
    return str(_get_attn_isa(model.dtype, spec.block_size, spec.head_size, cache.cache_dtype))


def write_cpu_page(keys: torch.Tensor, values: torch.Tensor, kernel: str) -> torch.Tensor:
    """One head's page as the CPU kernel writes it, keys then values, of keys and values of shape (tokens, channels)."""
    page = torch.zeros(1, 1, 2 * keys.shape[0], keys.shape[1], dtype=keys.dtype)
    tokens, halves = torch.arange(keys.shape[0]), page.chunk(2, dim=2)
    _custom_ops.cpu_attn_reshape_and_cache(
        keys.unsqueeze(1).contiguous(), values.unsqueeze(1).contiguous(), *halves, tokens, kernel
    )
    return page.view(2, -1)
