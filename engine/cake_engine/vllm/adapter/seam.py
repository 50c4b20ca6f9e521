"""vLLM's scheduler side of offloading, which Cake's is built on, with names for its private state.

What differs between releases of vLLM is added by `release_0_32` and its like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vllm.distributed.kv_transfer.kv_connector.v1 import offloading_connector
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import TransferJob
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.scheduler import (
    OffloadingConnectorScheduler,
    RequestOffloadState,
)
from vllm.v1.kv_offload.base import GPULoadStoreSpec, LookupResult, OffloadKey, ReqContext
from vllm.v1.kv_offload.cpu.common import CPULoadStoreSpec
from vllm.v1.request import Request

from cake_engine.vllm.adapter.memory import memory_chunks
from cake_engine.vllm.adapter.transfers import LOAD_PREFIX


@contextmanager
def connector_scheduler(cls: type[OffloadingConnectorScheduler]) -> Iterator[None]:
    """While inside, vLLM's OffloadingConnector builds `cls` as its scheduler side; it has no parameter for it."""
    original = offloading_connector.OffloadingConnectorScheduler
    offloading_connector.OffloadingConnectorScheduler = cls
    try:
        yield
    finally:
        offloading_connector.OffloadingConnectorScheduler = original


class CommonSeam(OffloadingConnectorScheduler):
    """What all supported releases have in common."""

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

    def holders(self, key: OffloadKey, context: ReqContext) -> tuple[list[int], bool]:
        """The tiers below memory that are known to hold a chunk, by their indexes, and whether all have answered."""
        tiers = [
            (index, tier.lookup(key, context))
            for index, tier in enumerate(self.manager.secondary_tiers, start=1)
            if context.load_tier_filter.allows(tier.medium, tier.locality)
        ]
        known = [index for index, answer in tiers if answer is LookupResult.HIT]
        return known, all(answer is not LookupResult.RETRY for _, answer in tiers)

    def look_up_at(self, tier: int, key: OffloadKey, context: ReqContext) -> LookupResult:
        """The manager's own look-up, which starts to promote what it finds, with one tier below memory alone."""
        others = [other for index, other in enumerate(self.manager.secondary_tiers, start=1) if index != tier]
        for other in others:
            other.passed_over = True
        try:
            return self.manager.lookup(key, context)
        finally:
            for other in others:
                other.passed_over = False

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
