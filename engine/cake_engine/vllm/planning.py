"""A plan for a request: what of its prompt is stored, where, and what is in memory or on its way there already.

A prefix may be stored without its head, or with holes. Up to the first chunk that is missing, tiers are asked anew, as
another engine may have stored something since the request arrived. Behind it only chunks are asked for that the look-up
at the request's arrival has found: else each request with a long new text would have all of that looked up again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vllm.v1.kv_offload.base import LookupResult, OffloadKey, ReqContext
from vllm.v1.request import Request

from cake_engine.core.plan import Plan
from cake_engine.vllm.active_plan import ActivePlan

if TYPE_CHECKING:
    from cake_engine.vllm.reading import PlanReader


class UnansweredError(Exception):
    """A tier has not said yet whether it holds a chunk: ask again in the next step."""


def worth_a_plan(stored: Sequence[int], size: int, *, cap: int | None, least: int) -> Sequence[int]:
    """Those of a prompt's stored chunks that a plan is for.

    Args:
        stored: In order.
        size: Tokens of one chunk.
        cap: Tokens that may be loaded; None for all.
        least: Tokens of a stored prefix that are worth a plan.
    """
    stored = stored if cap is None else stored[: cap // size]
    return stored if len(stored) * size >= least else ()


@dataclass
class _Search:
    """Finds a request's chunks.

    Attributes:
        tiers: Index of the tier of each chunk that is stored.
        here: Chunks in memory.
        coming: Chunks on their way there.
    """

    reader: PlanReader
    request_id: str
    keys: list[OffloadKey]
    context: ReqContext
    tiers: dict[int, int] = field(default_factory=dict)
    here: set[int] = field(default_factory=set)
    coming: set[int] = field(default_factory=set)

    def front(self, first: int) -> int:
        """Find the chunks from `first` on that are stored without a gap; the first that is not.

        Raises:
            UnansweredError: It is not known yet.
        """
        open_answers, chunk = False, first
        while chunk < len(self.keys):
            answer = self._look(chunk)
            if answer is LookupResult.MISS:
                break
            # Keep asking behind an open answer, so that a tier hears of all its look-ups at once.
            open_answers |= answer is LookupResult.RETRY
            chunk += 1
        if open_answers:
            raise UnansweredError
        return chunk

    def behind(self, missing: int, known: Mapping[int, int]) -> None:
        """Find those chunks behind one that is missing that were found before, by their tier's index."""
        for chunk in sorted(chunk for chunk in known if missing < chunk < len(self.keys)):
            if self._look(chunk) is LookupResult.RETRY:
                self.tiers[chunk] = known[chunk]  # if it is not there any more, its read will say so

    def _look(self, chunk: int) -> LookupResult:
        key = self.keys[chunk]
        answer, tier = self.reader.presence(key, self.context)
        if answer is LookupResult.HIT:
            if tier == 0:
                self.here.add(chunk)
                tier = self.reader.prefetch.source(self.request_id, chunk) or 0
            self.tiers[chunk] = tier
        elif answer is LookupResult.HIT_PENDING:
            self.coming.add(chunk)
            self.tiers[chunk] = self.reader.reads.tier(key) or 0
        return answer


def make_plan(
    reader: PlanReader,
    request: Request,
    computed: int,
    keys: list[OffloadKey],
    context: ReqContext,
    *,
    least: int,
    before: ActivePlan | None = None,
) -> ActivePlan | None:
    """Look up a request's chunks and plan for those that are stored.

    Args:
        reader: Knows the tiers.
        request: The request.
        computed: Tokens of it that the device holds.
        keys: Of all its full chunks.
        context: For the tiers.
        least: Tokens of a stored prefix that are worth a plan.
        before: The plan that it had; None for the first one.

    Returns:
        The plan; None where there is nothing to plan for.

    Raises:
        UnansweredError: It is not known yet.
    """
    size, names = reader.chunk_tokens, reader.tier_names
    first = -(-computed // size)
    search = _Search(reader, request.request_id, keys, context)
    missing = search.front(first)
    if missing < len(keys):
        if before is not None:
            known = {chunk: names.index(tier) for chunk, tier in before.tiers.items()}
        else:
            known = reader.prefetch.found(request.request_id)
        search.behind(missing, known)
    stored = worth_a_plan(sorted(search.tiers), size, cap=reader.load_cap(request.request_id), least=least)
    if not stored:
        return None
    end = stored[-1] + 1
    tiers = {chunk: names[search.tiers[chunk]] for chunk in stored}
    here, coming = search.here & tiers.keys(), search.coming & tiers.keys()
    plan = Plan(first, end, size, resident=here, tiers=tiers, missing=set(range(first, end)) - tiers.keys())
    for chunk in coming:
        plan.fetching(chunk)
    return ActivePlan(
        request_id=request.request_id,
        context=context,
        plan=plan,
        keys=keys[:end],
        tiers=tiers,
        at=computed,
        near=here | coming,
    )
