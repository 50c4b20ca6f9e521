"""The memory tier: how much it holds, and the order in which chunks leave it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vllm.v1.kv_offload.base import OffloadKey
from vllm.v1.kv_offload.cpu.policies.lru import LRUCachePolicy

FIRST = -(1 << 60)
"""Added to the rank of a chunk that is to leave before all others."""


def memory_chunks(primary: Any) -> tuple[int, int]:
    """Chunks that the memory tier holds, and how many it can hold."""
    return primary._num_allocated_chunks - len(primary._free_list), primary._num_chunks


def eviction_policy(primary: Any) -> Any:
    """The memory tier's eviction policy."""
    return primary._policy


class CommonRecency(LRUCachePolicy):
    """vLLM's policy by last use, with names for its private state."""

    def used(self, keys: Iterable[OffloadKey]) -> None:
        """Chunks are used now, one after the other: the first of them is the first to leave again."""
        self._update_recency(list(keys))

    def leave_first(self, keys: Sequence[OffloadKey]) -> None:
        """Have chunks leave before all others, of these the least recently used first."""
        for key in keys:
            if key in self.chunks:
                self._ranks[key] = self.before_all(self._ranks[key])
                if key in self._evictable:
                    self._push_evictable(key)
        self._maybe_compact_heap()

    def before_all(self, rank: Any) -> Any:
        """The rank that stands to all others given like this as `rank` does, and before those that are not."""
        raise NotImplementedError
