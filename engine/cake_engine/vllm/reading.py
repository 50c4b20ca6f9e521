"""Which chunks the tiers are given to read, and when.

A tier is given reads for a little longer than until the next step: it never runs dry, and what is asked for last does
not wait behind much.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator

from vllm.config import VllmConfig
from vllm.v1.kv_cache_interface import KVCacheConfig
from vllm.v1.kv_offload.base import LookupResult, OffloadKey, ReqContext

from cake_engine.core import metrics
from cake_engine.core.cost import ComputeCost
from cake_engine.core.levels import Levels
from cake_engine.core.ordering import Claim, ReadOrder, saving
from cake_engine.core.plan_costs import PlanCosts
from cake_engine.core.read_window import FEWEST_READS, ReadWindow
from cake_engine.vllm import adapter
from cake_engine.vllm.active_plan import ActivePlan
from cake_engine.vllm.prefetch import Prefetcher
from cake_engine.vllm.reads import Reads
from cake_engine.vllm.spec import CakeOffloadingSpec

READ_JOB_BYTES = 1 << 19
"""Reads are handed over in jobs of about this size: a job's chunks become usable together, with its last one."""


class PlanReader(adapter.OffloadSeam):
    """Has the tiers read what plans miss."""

    def __init__(self, spec: CakeOffloadingSpec, vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
        super().__init__(spec, vllm_config, kv_cache_config)
        self.tier_names = [tier.name for tier in spec.static.tiers]
        self.compute_cost = ComputeCost()
        self.step_tokens = int(vllm_config.scheduler_config.max_num_batched_tokens)
        read_costs = (tier.read_cost for tier in self.manager.secondary_tiers)
        tiers = dict(zip(self.tier_names[1:], read_costs, strict=True))
        self.costs = PlanCosts(self.compute_cost, tiers, self.chunk_bytes, self.step_tokens)
        self.read_window = ReadWindow(self.step_tokens)
        self.reads = Reads()
        self.prefetch = Prefetcher(self, spec.live)
        self._orders = [ReadOrder() for _ in self.tier_names]
        files = spec.static.file_systems
        self.level_names = [tier.name for tier in files] if len({tier.codec for tier in files}) > 1 else []

    @property
    def silent_seconds(self) -> dict[str, float]:
        """For how long nothing has arrived from a tier although reads were under way, by its name."""
        now = time.monotonic()
        return {name: self.reads.silence(tier, now) for tier, name in enumerate(self.tier_names) if tier}

    def collect(self) -> None:
        """Take note of the reads that ended, and keep in memory those that waiting requests asked for."""
        self.settle_transfers()
        self.reads.settle(lambda key: self.in_memory(key) is LookupResult.HIT_PENDING, time.monotonic())
        self.prefetch.collect()

    def ask(self, plans: Iterable[ActivePlan]) -> None:
        """Ask the tiers for what plans still miss, in the order that saves the most waiting."""
        wanting = {plan.request_id: plan for plan in plans}
        for tier in range(1, len(self.tier_names)):
            self._ask_tier(tier, wanting)
        self.submit_promotions()

    def read(self, key: OffloadKey, context: ReqContext, tier: int) -> LookupResult:
        """Have a chunk read into memory, from this tier if it has it still, else from another.

        Returns:
            HIT where it is there already; HIT_PENDING where it is on its way now; RETRY where memory is full or the
            tier has not answered; MISS where no tier has it.
        """
        answer = self.look_up_at(tier, key, context)
        if answer is LookupResult.MISS:  # there no more, or memory is full
            found, other = self.presence(key, context)
            if found is LookupResult.HIT and other != tier:
                answer, tier = self.look_up_at(other, key, context), other
            if answer is LookupResult.MISS and found is not LookupResult.MISS:
                return LookupResult.RETRY
        if answer is LookupResult.HIT_PENDING:
            if self.reads.tier(key) is None:
                self.reads.begin(key, tier, context.req_id)
                if len(self.reads) % max(1, READ_JOB_BYTES // self.chunk_bytes) == 0:
                    self.submit_promotions()
            else:
                self.reads.join(key, context.req_id)
        return answer

    def hear_of_levels(self, active: ActivePlan, levels: Levels) -> None:
        """Take note of the tiers that hold chunks of a plan, as far as they have answered by now."""
        for chunk in sorted(levels.unheard):
            holders, answered = self.holders(active.keys[chunk], active.context)
            if answered:
                levels.unheard.discard(chunk)
            if len(holders) > 1:
                levels.held[chunk] = [self.tier_names[holder] for holder in holders]

    def room(self, tier: int) -> int:
        """Reads that a tier may be given now."""
        most = max(1, self.memory_capacity // 2)  # they can be neither used nor evicted meanwhile
        rate = self.manager.secondary_tiers[tier - 1].read_rate
        window = most
        if rate:
            seconds = self.read_window.seconds(self.compute_cost)
            window = max(FEWEST_READS, int(rate * seconds / self.chunk_bytes))
        return min(window - self.reads.in_flight(tier), most - len(self.reads))

    def cancel_useless(self) -> None:
        """Take back reads that nobody waits for any more."""
        for tier, keys in self.reads.take_useless().items():
            self.take_back(tier, keys)

    def take_back(self, tier: int, keys: Collection[OffloadKey]) -> None:
        """Take back those of a tier's reads that have not begun."""
        for key in self.manager.secondary_tiers[tier - 1].take_back(keys) if keys else ():
            self.reads.drop(key)

    def lose(self, active: ActivePlan, chunk: int) -> None:
        """No tier has the chunk after all: compute fills it, and it is stored again."""
        active.plan.lost(chunk)
        active.near.discard(chunk)
        self.store_again_from(active.request_id, chunk)
        self.count(metrics.LOAD_FALLBACKS, 1, "lost")

    def count(self, name: str, value: float, *labels: str) -> None:
        """Add to a counter."""
        if value:
            self._connector_stats.increase_counter(name, value, labels)

    def _ask_tier(self, tier: int, wanting: dict[str, ActivePlan]) -> None:
        queues = {request_id: self._missing(plan, tier) for request_id, plan in wanting.items()}
        heads: dict[str, int] = {}
        claims: dict[str, Claim] = {}

        def advance(request_id: str) -> None:
            chunk = next(queues[request_id], None)
            claims.pop(request_id, None)
            if chunk is not None:
                heads[request_id] = chunk
                saved = (1 + self.costs.behind(request_id)) * self._saving(chunk)
                claims[request_id] = Claim(request_id, wanting[request_id].keys[chunk], saved)

        for request_id in queues:
            advance(request_id)
        if claims:
            self.prefetch.make_way(tier)
        while claims and self.room(tier) > 0:
            request_id = self._orders[tier].pick(claims.values()).request
            active, chunk = wanting[request_id], heads[request_id]
            key = active.keys[chunk]
            answer = self.read(key, active.context, tier)
            if answer is LookupResult.RETRY:
                # Either memory is full, and requests that only wait give way, or the tier has not answered.
                if self.in_memory(key) is not LookupResult.MISS or not self.prefetch.give_way():
                    del claims[request_id]
                continue
            if answer is LookupResult.MISS:
                self.lose(active, chunk)
            else:
                active.near.add(chunk)
                if answer is LookupResult.HIT_PENDING:
                    active.plan.fetching(chunk)
            advance(request_id)

    def _missing(self, active: ActivePlan, tier: int) -> Iterator[int]:
        wanted = active.plan.wanted(active.at)
        return (c for c in wanted if c not in active.near and self._source(active, c) == tier)

    def _source(self, active: ActivePlan, chunk: int) -> int:
        """Index of the tier to ask for a chunk; what was in memory when the request was planned is found out now."""
        if active.tiers[chunk] == self.tier_names[0]:
            tier = self.presence(active.keys[chunk], active.context)[1]
            if not tier:
                return 1  # in memory, not known yet, or lost: any look-up says which
            active.tiers[chunk] = self.tier_names[tier]
        return self.tier_names.index(active.tiers[chunk])

    def _saving(self, chunk: int) -> float:
        return saving(self.compute_cost, chunk, self.chunk_tokens, self.chunk_bytes)
