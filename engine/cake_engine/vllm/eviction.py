"""Which chunks leave memory first: heads before tails.

vLLM's own policy keeps heads, since a prefix cache is of no use without its head. For Cake it is the other way round:
the head is what compute fills while the tail loads, so the tail is worth keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vllm.v1.kv_offload.base import OffloadKey, ReqContext
from vllm.v1.kv_offload.cpu.policies.base import ChunkStatus, order_request_keys

from cake_engine.vllm import adapter


class HeadsFirstPolicy(adapter.RecencyPolicy):
    """Least recently used request first, and of one request its head before its tail.

    Attributes:
        retain_from: Gives the fraction of a prefix below which chunks leave before all others.
        evictions: Chunks evicted since the start.
    """

    def __init__(self, cache_capacity: int) -> None:
        super().__init__(cache_capacity)
        self.retain_from: Callable[[], float] = lambda: 0.0
        self.evictions = 0

    def touch(self, keys: Sequence[OffloadKey], req_context: ReqContext) -> None:  # noqa: ARG002 - vLLM's interface
        """Mark chunks, given head first, as used now."""
        self.used(keys)

    def on_request_finished(
        self,
        key_groups: Sequence[Sequence[OffloadKey]],
        insertion_only_keys: set[OffloadKey],  # noqa: ARG002 - vLLM's interface
        reused_keys: set[OffloadKey],  # noqa: ARG002 - vLLM's interface
        req_context: ReqContext,
    ) -> None:
        """Order the chunks of a finished request: the later in the prefix, the longer it stays."""
        keys = order_request_keys(key_groups, req_context)
        self.used(keys)
        self.leave_first(keys[: int(self.retain_from() * len(keys))])

    def evict(self, n: int, protected: set[OffloadKey]) -> list[tuple[OffloadKey, ChunkStatus]] | None:
        """Evict exactly `n` chunks, or none."""
        evicted = super().evict(n, protected)
        self.evictions += len(evicted or ())
        return evicted
