"""The story of one request's stored prefix as a trace span, child of the caller's trace like vLLM's own span.

vLLM opens its tracer in the engine's process where `--otlp-traces-endpoint` is given; without it nothing is done here.
"""

from __future__ import annotations

import time
from collections import Counter

from vllm.tracing import extract_trace_context, instrument_manual
from vllm.v1.request import Request

from cake_engine.config import Mode
from cake_engine.core.chunk import Chunk
from cake_engine.vllm.active_plan import ActivePlan

NAME = "cake_prefix"


def record_span(active: ActivePlan, request: Request, mode: Mode, chunk_bytes: int) -> None:
    """Send the span of a plan that has ended; the tracer's own thread does the sending.

    Args:
        active: The plan.
        request: Whose prefix it is; its trace headers name the parent.
        mode: In force when the plan ended.
        chunk_bytes: Bytes of one chunk.
    """
    instrument_manual(
        NAME,
        active.began_ns,
        time.time_ns(),
        {**_story(active, chunk_bytes), "gen_ai.request.id": request.request_id, "cake.mode": mode.value},
        extract_trace_context(request.trace_headers),
    )


def _story(active: ActivePlan, chunk_bytes: int) -> dict[str, str | int | float]:
    plan, outcome = active.plan, active.plan.outcome()
    size = plan.chunk_tokens
    loaded = Counter(active.tiers[chunk] for chunk in range(plan.first, plan.end) if plan[chunk] is Chunk.LOADED)
    story: dict[str, str | int | float] = {
        "cake.prefix.tokens": (plan.end - plan.first) * size,
        "cake.prefix.computed_tokens": outcome.computed * size,
        "cake.prefix.loaded_tokens": outcome.loaded * size,
        "cake.prefix.duplicated_tokens": outcome.duplicated * size,
        "cake.prefix.lost_tokens": outcome.lost * size,
        "cake.prefix.open_tokens": outcome.open * size,
        "cake.stall_seconds": active.stalled_seconds,
    }
    story.update({f"cake.tier.{tier}.loaded_bytes": chunks * chunk_bytes for tier, chunks in sorted(loaded.items())})
    if outcome.meeting_ratio is not None:
        story["cake.meeting_point.actual"] = outcome.meeting_ratio
    if active.predicted is not None:
        story["cake.meeting_point.predicted"] = active.predicted
    return story
