"""Copies between KV cache tensors and the memory tier without a GPU."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest
import torch
from vllm.v1.kv_offload.base import CanonicalKVCaches, CanonicalKVCacheTensor, GPULoadStoreSpec
from vllm.v1.kv_offload.cpu.common import CPULoadStoreSpec
from vllm.v1.kv_offload.cpu.shared_offload_region import SharedOffloadRegion

from cake_engine.vllm.worker import HostCopyWorker

PAGE, BLOCKS, LAYERS = 4096, 12, 3


@pytest.fixture(params=[1, 2, 4], ids=lambda blocks: f"{blocks} blocks a chunk")
def tier(request: pytest.FixtureRequest) -> Iterator[tuple[HostCopyWorker, list[torch.Tensor], int]]:
    per_chunk = request.param
    row = PAGE * per_chunk * LAYERS
    region = SharedOffloadRegion(f"test-{uuid.uuid4()}", 8, 0, row, row)
    # bfloat16 is the type that NumPy does not have.
    tensors = [torch.randn(BLOCKS, PAGE // 2).bfloat16() for _ in range(LAYERS)]
    views = [CanonicalKVCacheTensor(t.view(torch.int8), PAGE) for t in tensors]
    worker = HostCopyWorker(CanonicalKVCaches(views, [[]]), per_chunk, region)
    yield worker, tensors, per_chunk
    worker.shutdown()


def blocks(*ids: int, first: int = 0) -> GPULoadStoreSpec:
    return GPULoadStoreSpec(list(ids), group_sizes=[len(ids)], block_indices=[first])


def test_what_was_stored_is_loaded_into_other_blocks_bit_by_bit(
    tier: tuple[HostCopyWorker, list[torch.Tensor], int],
) -> None:
    worker, tensors, per_chunk = tier
    before = [tensor.clone() for tensor in tensors]
    slots = CPULoadStoreSpec([5, 2][: 4 // per_chunk] if per_chunk > 1 else [5, 2, 7, 0])
    worker.submit_store(1, blocks(0, 1, 2, 3), slots)
    worker.submit_load(2, slots, blocks(11, 9, 8, 10))
    worker.wait({1, 2})
    for tensor, old in zip(tensors, before, strict=True):
        assert torch.equal(tensor[[11, 9, 8, 10]], old[[0, 1, 2, 3]])
        assert torch.equal(tensor[:8], old[:8])
    results = worker.get_finished()
    assert [(r.job_id, r.success, r.transfer_size) for r in results] == [(i, True, 4 * PAGE * LAYERS) for i in (1, 2)]


def test_a_run_that_begins_inside_a_chunk_takes_its_part_of_it(
    tier: tuple[HostCopyWorker, list[torch.Tensor], int],
) -> None:
    worker, tensors, per_chunk = tier
    if per_chunk != 4:
        return
    worker.submit_store(1, blocks(0, 1, 2, 3), CPULoadStoreSpec([3]))
    worker.submit_load(2, CPULoadStoreSpec([3]), blocks(6, 7, first=2))
    worker.wait({2})
    assert torch.equal(tensors[0][[6, 7]], tensors[0][[2, 3]])


def test_waiting_for_a_job_that_is_unknown_or_done_returns_at_once(
    tier: tuple[HostCopyWorker, list[torch.Tensor], int],
) -> None:
    worker, _, _ = tier
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (worker.wait({99}), ended.set()))
    thread.start()
    assert ended.wait(60)
    thread.join()
