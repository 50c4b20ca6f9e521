"""vLLM 0.33: the offloading manager has a lock, a reset waits for copies, and chunks are ranked by two numbers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from vllm.v1.kv_offload.base import OffloadKey, ReqContext
from vllm.v1.kv_offload.cpu.policies.base import ChunkStatus
from vllm.v1.request import Request

from cake_engine.vllm.adapter.memory import FIRST, CommonRecency
from cake_engine.vllm.adapter.seam import CommonSeam


class OffloadSeam(CommonSeam):
    """The scheduler side of offloading.

    A thread of the manager may serve tiers between steps. What looks a chunk up and relies on it later in the step must
    hold the manager's lock all the while; it is not reentrant.
    """

    def hold_for_step(self) -> None:
        """Have the manager to ourselves until the step's metadata is built, which lets go of it."""
        self._acquire_step()

    def held(self) -> AbstractContextManager[Any]:
        """Have the manager to ourselves between two steps; within one it is held already."""
        return nullcontext() if self._step_region is not None else self.manager.lock

    def fence(self, copies: Mapping[int, int]) -> None:
        """Nothing is read into memory that is emptied now until these copies of it are reported.

        Args:
            copies: Workers that have yet to report, by the number of the copy.
        """
        if copies:
            self._reset_fence.update(copies)
            self._reset_fence_since = time.monotonic()

    def keys_of(self, request: Request, computed_tokens: int) -> tuple[list[OffloadKey], ReqContext] | None:
        """As before, and a request that starts over offers all its chunks to be stored again."""
        self._state(request.request_id).group_states[0].next_stored_chunk_idx = 0
        return super().keys_of(request, computed_tokens)


class RecencyPolicy(CommonRecency):
    """The order in which chunks leave memory.

    This release gives the chunks of a request one rank while it runs, and orders them by position, tails first. Ours
    leave heads first, so every chunk gets a rank of its own, and is used when its request ends.
    """

    def insert(self, key: OffloadKey, chunk: ChunkStatus, req_context: ReqContext) -> None:
        """Add a chunk as the one used last."""
        super().insert(key, chunk, req_context)
        self.used([key])

    def on_request_access(self, keys: Iterable[OffloadKey], req_context: ReqContext) -> None:
        """A running request has come to these chunks: what counts is its end."""

    def before_all(self, rank: tuple[int, int]) -> tuple[int, int]:
        """The rank of a chunk that is to leave before those that have none like it."""
        return rank[0] + FIRST, rank[1]


def memory_details(spec: Any) -> dict[str, Any]:
    """What the memory tier is told beside its size and policy: facts for vLLM's metric of its configuration."""
    return {"info": spec.cpu_info}
