"""A plan for a request: how much of its prompt is stored, where, and what is in memory or on its way there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vllm.v1.kv_offload.base import LookupResult, OffloadKey, ReqContext
from vllm.v1.request import Request

from cake_engine.core.plan import Plan
from cake_engine.vllm.active_plan import ActivePlan

if TYPE_CHECKING:
    from cake_engine.vllm.reading import PlanReader


class UnansweredError(Exception):
    """A tier has not said yet whether it holds a chunk: ask again in the next step."""


def make_plan(
    reader: PlanReader, request: Request, computed: int, keys: list[OffloadKey], context: ReqContext, *, least: int
) -> ActivePlan | None:
    """Look up a request's chunks and plan for those that are stored.

    Args:
        reader: Knows the tiers.
        request: The request.
        computed: Tokens of it that the device holds.
        keys: Of all its full chunks.
        context: For the tiers.
        least: Tokens of a stored prefix that are worth a plan.

    Returns:
        The plan; None where there is nothing to plan for.

    Raises:
        UnansweredError: It is not known yet.
    """
    size = reader.chunk_tokens
    first, open_answers = -(-computed // size), False
    tiers: list[int] = []
    here: set[int] = set()
    coming: list[int] = []
    for chunk, key in enumerate(keys[first:], start=first):
        answer, tier = reader.presence(key, context)
        if answer is LookupResult.MISS:
            break
        # Keep asking behind an open answer, so that a tier hears of all its look-ups at once.
        open_answers |= answer is LookupResult.RETRY
        if tier == 0 and answer is LookupResult.HIT:
            here.add(chunk)
            tier = reader.prefetch.source(request.request_id, chunk) or 0
        elif tier == 0 and answer is LookupResult.HIT_PENDING:
            coming.append(chunk)
            tier = reader.reads.tier(key) or 0
        tiers.append(tier)
    cap = reader.load_cap(request.request_id)
    end = first + (len(tiers) if cap is None else min(len(tiers), cap // size))
    if open_answers:
        raise UnansweredError
    if end == first or (end - first) * size < least:
        return None
    here, coming = {c for c in here if c < end}, [c for c in coming if c < end]
    names = {chunk: reader.tier_names[tier] for chunk, tier in zip(range(first, end), tiers, strict=False)}
    plan = Plan(first, end, size, resident=here, tiers=names)
    for chunk in coming:
        plan.fetching(chunk)
    return ActivePlan(
        request_id=request.request_id,
        context=context,
        plan=plan,
        keys=keys[:end],
        tiers=names,
        at=computed,
        near={*here, *coming},
    )
