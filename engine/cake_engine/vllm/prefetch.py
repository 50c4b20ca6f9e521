"""Loads for requests that wait: their look-ups and reads begin when they arrive.

vLLM asks a connector about a request when it could run it. Until then the tiers would be idle and the request's prefix
where it was. Here its tail comes into memory meanwhile, with what the tiers have left over from admitted requests and
within a bounded part of memory; it is pinned there, and the plan that is made on admission takes it over.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vllm.v1.kv_offload.base import LookupResult, OffloadKey, ReqContext
from vllm.v1.request import Request

from cake_engine.config import Mode
from cake_engine.core.plan_costs import Waiting
from cake_engine.core.prefetch import Ahead, allowance, floor
from cake_engine.live import LiveConfigFile
from cake_engine.vllm.active_plan import ActivePlan
from cake_engine.vllm.planning import UnansweredError, worth_a_plan

if TYPE_CHECKING:
    from cake_engine.vllm.reading import PlanReader


PATIENCE_SECONDS = 0.25
"""From a request's arrival. Answers behind a missing chunk that are open then count as missing: what they could say is
worth no longer wait, and a mount that is slower than steps are long would never have answered them all."""


@dataclass
class _Waiting:
    """One request that waits.

    Attributes:
        tiers: Index of the tier of each chunk from 0 on, as far as look-ups are answered; None for one that is missing.
        patient_until: Until when answers behind a missing chunk are waited for, in seconds.
        looked_up: Whether `tiers` is complete.
        stored: The same of those that are stored, once it is.
        on_device: Tokens that the device held when it was looked up.
        held: Tokens that the device or a tier held then.
        ahead: Its chunks to read; none until it is looked up, and where it is not worth it.
        sources: Where the chunks that are asked for or held came from.
    """

    request: Request
    keys: list[OffloadKey]
    context: ReqContext
    tiers: list[int | None] = field(default_factory=list)
    patient_until: float = field(default_factory=lambda: time.monotonic() + PATIENCE_SECONDS)
    looked_up: bool = False
    stored: dict[int, int] = field(default_factory=dict)
    on_device: int = 0
    held: int = 0
    ahead: Ahead = field(default_factory=lambda: Ahead(0, 0))
    sources: dict[int, int] = field(default_factory=dict)


class Prefetcher:
    """The requests in vLLM's queue, in the order of their arrival.

    Attributes:
        device_tokens: Gives the tokens of a request that the device holds; these need no load.
    """

    def __init__(self, reader: PlanReader, live: LiveConfigFile) -> None:
        self._reader = reader
        self._live = live
        self._waiting: dict[str, _Waiting] = {}
        self._kept: Counter[OffloadKey] = Counter()
        self.device_tokens: Callable[[Request], int] = lambda _: 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def chunks(self) -> int:
        """Chunks of memory that waiting requests hold or have asked for."""
        return len(self._kept)

    @property
    def looking(self) -> bool:
        """Whether a tier has yet to answer."""
        return any(not waiting.looked_up for waiting in self._waiting.values())

    # Arrival and end

    def arrive(self, request: Request, *, first: bool = False) -> None:
        """A request waits from now on.

        Args:
            request: Its context is vLLM's already.
            first: Whether it goes before those that wait, as a preempted one does.
        """
        if request.skip_reading_prefix_cache:
            return
        keys, context = self._reader.known_keys(request.request_id)
        waiting = _Waiting(request, keys, context)
        if first:
            self._waiting = {request.request_id: waiting, **self._waiting}
        else:
            self._waiting[request.request_id] = waiting
        self._look_up(waiting)

    def source(self, request_id: str, chunk: int) -> int | None:
        """Index of the tier from which a chunk in memory was read for this request."""
        waiting = self._waiting.get(request_id)
        return waiting.sources.get(chunk) if waiting else None

    def found(self, request_id: str) -> dict[int, int]:
        """Index of the tier of each chunk that is stored, as of the request's arrival.

        Raises:
            UnansweredError: It is not known yet.
        """
        waiting = self._waiting.get(request_id)
        if waiting is None:
            return {}
        if not waiting.looked_up:
            self._look_up(waiting)
        if not waiting.looked_up:
            raise UnansweredError
        return waiting.stored

    def admit(self, active: ActivePlan) -> None:
        """Hand what is held over to the plan of a request that was admitted."""
        waiting = self._waiting.get(active.request_id)
        if waiting is not None:
            active.held = waiting.ahead.held & active.near
            for chunk in active.held | (waiting.ahead.asked & active.near):
                waiting.ahead.give_back(chunk)
                self._count_down(waiting.keys[chunk])
        self.release(active.request_id)

    def release(self, request_id: str) -> None:
        """The request waits no more, or there is no use in reading ahead for it."""
        waiting = self._waiting.pop(request_id, None)
        if waiting is not None:
            self._let_go(waiting)

    def reset(self) -> None:
        """Memory is about to be emptied: begin anew with every request."""
        for waiting in self._waiting.values():
            self._let_go(waiting)
            waiting.tiers.clear()
            waiting.looked_up, waiting.ahead = False, Ahead(0, 0)
            waiting.patient_until = time.monotonic() + PATIENCE_SECONDS

    # Each step

    def collect(self) -> None:
        """Pin what has arrived, before anything could evict it."""
        for waiting in self._waiting.values():
            for chunk in list(waiting.ahead.asked):
                answer = self._reader.in_memory(waiting.keys[chunk])
                if answer is LookupResult.HIT:
                    self._hold(waiting, chunk)
                elif answer is LookupResult.MISS:  # taken back, or bad
                    self._give_back(waiting, chunk)
                    if self._reader.presence(waiting.keys[chunk], waiting.context)[0] is LookupResult.MISS:
                        waiting.ahead.lose(chunk)

    def ask(self) -> None:
        """Go on with look-ups, keep to the live share, and read ahead with what the tiers have left."""
        if not self._waiting:
            return
        live = self._live.current
        allowed = 0 if live.mode is Mode.COMPUTE_ONLY else allowance(self._reader.memory_capacity, live.prefetch_share)
        while self.chunks > allowed:
            self.give_way(asked=True)
        for waiting in self._waiting.values():
            if not waiting.looked_up:
                self._look_up(waiting)
            if self.chunks < allowed:
                self._read_ahead(waiting, allowed)
        self._reader.submit_promotions()

    def make_way(self, tier: int) -> None:
        """Take back reads that a tier has not begun: an admitted request wants some now."""
        if self._kept:
            self._reader.take_back(tier, self._reader.reads.wanted_only_by(self._waiting, tier))

    def give_way(self, *, asked: bool = False) -> bool:
        """Let go of one chunk of the request that will wait longest, the first of its tail; False if there is none.

        Args:
            asked: Whether a chunk that is still on its way will do: its memory comes free later.
        """
        for waiting in reversed(self._waiting.values()):
            chunks = waiting.ahead.held or (waiting.ahead.asked if asked else ())
            if chunks:
                self._give_back(waiting, min(chunks))
                self._reader.cancel_useless()
                return True
        return False

    def new_text(self, request: Request) -> int | None:
        """Tokens of a waiting request that no tier and no device holds; None while that is not known."""
        waiting = self._waiting.get(request.request_id)
        if waiting is None:
            return request.num_tokens
        if not waiting.looked_up:
            return None
        return max(1, request.num_tokens - waiting.held)

    def told(self, request: Request) -> Waiting | None:
        """What a waiting request needs of compute and loads; None while that is not known."""
        text = self.new_text(request)
        if text is None:
            return None
        waiting = self._waiting.get(request.request_id)
        to_come = waiting.ahead.to_come if waiting else {}
        return Waiting(request.request_id, request.num_tokens - text, request.num_tokens, to_come)

    # One request

    def _look_up(self, waiting: _Waiting) -> None:
        """Ask for all that is open, so that a tier hears of its look-ups at once; take the answers in order."""
        in_order, gap, patient = True, None in waiting.tiers, time.monotonic() < waiting.patient_until
        for key in waiting.keys[len(waiting.tiers) :]:
            answer, tier = self._reader.presence(key, waiting.context)
            if answer is LookupResult.RETRY and (patient or not gap):
                in_order = False
            if in_order:
                missing = answer in (LookupResult.MISS, LookupResult.RETRY)
                waiting.tiers.append(None if missing else tier)
                gap |= missing
        if in_order:
            self._looked_up(waiting)

    def _looked_up(self, waiting: _Waiting) -> None:
        waiting.looked_up = True
        size, request = self._reader.chunk_tokens, waiting.request
        waiting.stored = {chunk: tier for chunk, tier in enumerate(waiting.tiers) if tier is not None}
        waiting.on_device = self.device_tokens(request)
        first = -(-waiting.on_device // size)
        stored = [chunk for chunk in waiting.stored if chunk >= first]
        waiting.held = waiting.on_device + len(stored) * size
        cap, least = self._reader.load_cap(request.request_id), self._live.current.minimum_load_tokens
        if loaded := worth_a_plan(stored, size, cap=cap, least=least):
            end = loaded[-1] + 1
            tiers = {chunk: self._reader.tier_names[waiting.stored[chunk]] for chunk in loaded}
            waiting.ahead = Ahead(first, end, missing=set(range(first, end)) - tiers.keys(), tiers=tiers)

    def _read_ahead(self, waiting: _Waiting, allowed: int) -> None:
        ahead = waiting.ahead
        for chunk in ahead.wanted(floor(ahead, self._live.current)):
            key, tier = waiting.keys[chunk], waiting.stored[chunk]
            known = self._reader.in_memory(key)
            if known is LookupResult.MISS and tier == 0:  # it was in memory and has been evicted since
                tier = self._reader.presence(key, waiting.context)[1]
            if self.chunks >= allowed or (known is LookupResult.MISS and tier and self._reader.room(tier) <= 0):
                return
            answer = self._reader.read(key, waiting.context, tier)
            if answer is LookupResult.RETRY:
                return
            if answer is LookupResult.MISS:
                ahead.lose(chunk)
                continue
            self._kept[key] += 1
            waiting.sources[chunk] = self._reader.reads.tier(key) or 0
            if answer is LookupResult.HIT:
                self._hold(waiting, chunk)
            else:
                ahead.ask(chunk)

    def _hold(self, waiting: _Waiting, chunk: int) -> None:
        waiting.ahead.hold(chunk)
        self._reader.pin(waiting.keys[chunk], waiting.context)

    def _let_go(self, waiting: _Waiting) -> None:
        for chunk in [*waiting.ahead.held, *waiting.ahead.asked]:
            self._give_back(waiting, chunk)
        self._reader.cancel_useless()

    def _give_back(self, waiting: _Waiting, chunk: int) -> None:
        key = waiting.keys[chunk]
        if chunk in waiting.ahead.held:
            self._reader.unpin(key, waiting.context)
        else:
            self._reader.reads.leave(key, waiting.request.request_id)
        waiting.ahead.give_back(chunk)
        self._count_down(key)

    def _count_down(self, key: OffloadKey) -> None:
        self._kept[key] -= 1
        if not self._kept[key]:
            del self._kept[key]
