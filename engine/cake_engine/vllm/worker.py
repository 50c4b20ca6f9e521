"""Copies between the KV cache and the memory tier on machines without a GPU.

On GPUs vLLM's own worker does this with streams and pinned memory. Here one thread copies with NumPy, which is eight
times faster than torch for pages of this size and releases the interpreter lock, in the order of submission.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from vllm.v1.kv_offload.base import CanonicalKVCaches, GPULoadStoreSpec, LoadStoreSpec, OffloadingWorker, TransferResult
from vllm.v1.kv_offload.cpu.shared_offload_region import SharedOffloadRegion

from cake_engine.vllm import completions


@dataclass(frozen=True)
class _Copy:
    job_id: int
    slots: np.ndarray
    blocks: np.ndarray
    skip: int
    store: bool


class HostCopyWorker(OffloadingWorker):
    """Copies whole pages between KV cache tensors in host memory and the shared memory region of the tier."""

    def __init__(self, kv_caches: CanonicalKVCaches, blocks_per_chunk: int, region: SharedOffloadRegion) -> None:
        """Start the copying thread.

        Args:
            kv_caches: KV cache tensors of shape (blocks, page bytes).
            blocks_per_chunk: KV cache blocks of one chunk.
            region: Memory of the tier, one row a chunk.
        """
        self._blocks_per_chunk = blocks_per_chunk
        self._region = region
        self._pages = [_bytes(t.tensor, t.page_size_bytes) for t in kv_caches.tensors]
        self._rows = [
            region.create_next_worker_view(t.page_size_bytes * blocks_per_chunk).numpy() for t in kv_caches.tensors
        ]
        self._state = threading.Condition()
        self._queue: deque[_Copy] = deque()
        self._finished: deque[TransferResult] = deque()
        self._pending: set[int] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="cake-copy", daemon=True)
        self._thread.start()

    def submit_store(self, job_id: int, src_spec: GPULoadStoreSpec, dst_spec: LoadStoreSpec) -> bool:
        """Copy blocks into the tier."""
        return self._submit(job_id, src_spec, dst_spec, store=True)

    def submit_load(
        self,
        job_id: int,
        src_spec: LoadStoreSpec,
        dst_spec: GPULoadStoreSpec,
        expedited: bool = False,  # noqa: ARG002 - vLLM's interface from 0.33 on; one thread copies in order
    ) -> bool:
        """Copy chunks of the tier into blocks."""
        return self._submit(job_id, dst_spec, src_spec, store=False)

    def get_finished(self) -> list[TransferResult]:
        """Jobs that ended since the last call."""
        finished = []
        while self._finished:
            finished.append(self._finished.popleft())
        return finished

    def wait(self, job_ids: set[int]) -> None:
        """Block until none of these jobs is queued or running."""
        with self._state:
            self._state.wait_for(lambda: self._pending.isdisjoint(job_ids))

    def shutdown(self) -> None:
        """End the thread after the copy that it is in, and unmap the region."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        self._thread.join()
        self._pages.clear()
        self._rows.clear()
        self._region.cleanup()

    def _submit(self, job_id: int, blocks: GPULoadStoreSpec, slots: Any, *, store: bool) -> bool:
        skip = blocks.block_indices[0] % self._blocks_per_chunk
        copy = _Copy(job_id, slots.chunk_ids, blocks.block_ids, skip, store)
        with self._state:
            self._pending.add(job_id)
            self._queue.append(copy)
            self._state.notify_all()
        return True

    def _run(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._queue or self._stopping)
                if self._stopping:
                    return
                copy = self._queue.popleft()
            began = time.monotonic()
            copied = self._copy(copy)
            with self._state:
                self._pending.discard(copy.job_id)
                self._finished.append(TransferResult(copy.job_id, True, copied, time.monotonic() - began))
                self._state.notify_all()
            completions.announce()

    def _copy(self, copy: _Copy) -> int:
        copied = 0
        for index, block in enumerate(copy.blocks, start=copy.skip):
            slot, inside = divmod(index, self._blocks_per_chunk)
            for pages, rows in zip(self._pages, self._rows, strict=True):
                size = pages.shape[1]
                row = rows[copy.slots[slot], inside * size : (inside + 1) * size]
                if copy.store:
                    np.copyto(row, pages[block])
                else:
                    np.copyto(pages[block], row)
                copied += size
        return copied


def _bytes(tensor: torch.Tensor, page_bytes: int) -> np.ndarray:
    """A byte view of shape (blocks, page bytes): NumPy has no bfloat16."""
    pages = tensor.view(torch.int8)
    return pages.as_strided((pages.shape[0], page_bytes), (pages.stride(0), 1)).numpy()
