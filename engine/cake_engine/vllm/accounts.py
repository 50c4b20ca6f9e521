"""What became of a plan, and what the memory tier holds, as figures."""

from __future__ import annotations

from typing import Any

from vllm.distributed.kv_transfer.kv_connector.v1.offloading.metrics import OffloadingConnectorStats

from cake_engine.core import metrics
from cake_engine.core.chunk import Chunk
from cake_engine.vllm import adapter
from cake_engine.vllm.active_plan import ActivePlan


def count_outcome(stats: OffloadingConnectorStats, active: ActivePlan) -> None:
    """Add a plan that has ended: its tokens by how they came, and where compute and loads met."""
    plan, size = active.plan, active.plan.chunk_tokens
    outcome = plan.outcome()
    for chunk in range(plan.first, plan.end):
        if plan[chunk] is Chunk.LOADED:
            stats.increase_counter(metrics.PREFIX_TOKENS, size, ("loaded", active.tiers[chunk]))
    for chunks, name in ((outcome.computed, "computed"), (outcome.duplicated, "duplicated")):
        if chunks:
            stats.increase_counter(metrics.PREFIX_TOKENS, chunks * size, (name, ""))
    if outcome.meeting_ratio is None or outcome.open:
        return  # the request ended before the prefix was filled
    stats.observe_histogram(metrics.MEETING_POINT, outcome.meeting_ratio, ("actual",))
    if outcome.chosen_ratio is not None:
        stats.observe_histogram(metrics.MEETING_POINT, outcome.chosen_ratio, ("chosen",))
    if active.predicted is not None:
        stats.observe_histogram(metrics.MEETING_POINT, active.predicted, ("predicted",))


def time_stall(stats: OffloadingConnectorStats, active: ActivePlan, now: float, *, moved: bool) -> None:
    """Add the time since the last step if the request could do nothing in it but wait."""
    if active.waiting_since is not None:
        stats.increase_counter(metrics.STALLS, now - active.waiting_since)
        active.stalled_seconds += now - active.waiting_since
    active.waiting_since = None if moved or active.blocks is None else now


class MemoryAccount:
    """What the memory tier holds and has evicted."""

    def __init__(self, primary: Any, name: str, chunk_bytes: int) -> None:
        self._primary, self._tier, self._chunk_bytes = primary, (name,), chunk_bytes
        self._evicted = 0

    def add_to(self, stats: OffloadingConnectorStats) -> None:
        """Add the figures since the last call."""
        held, capacity = adapter.memory_chunks(self._primary)
        stats.set_gauge(metrics.TIER_USED, held * self._chunk_bytes, self._tier)
        stats.set_gauge(metrics.TIER_CAPACITY, capacity * self._chunk_bytes, self._tier)
        evicted = adapter.eviction_policy(self._primary).evictions
        if evicted > self._evicted:
            stats.increase_counter(metrics.TIER_EVICTIONS, evicted - self._evicted, self._tier)
        self._evicted = evicted
