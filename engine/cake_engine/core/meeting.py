"""Where compute and loads of one request should meet.

With both costs known, the best meeting point is where the two ends finish at the same time. The ends of the range are
the single resources, so this is never worse than either of them by prediction: all computed when loads cannot help, all
loaded when they are far faster. It also sizes the last compute step: compute stops at the meeting point rather than at
the end of a full step, and both sides finish together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cake_engine.config import Mode
from cake_engine.core.plan import Plan

MARGIN = 0.1
"""Loads may go this fraction of the open range below the meeting point: an idle tier helps nobody, estimates err."""


@dataclass(frozen=True)
class Aim:
    """A goal for one plan.

    Attributes:
        meeting: Chunk at which compute stops.
        floor: Lowest chunk worth loading.
        seconds: Time until both ends are done, as predicted; None without an estimate.
    """

    meeting: int
    floor: int
    seconds: float | None = None


@dataclass(frozen=True)
class Costs:
    """What a plan may assume.

    Attributes:
        compute: Seconds to compute tokens [start, stop) of the request; None when not known.
        chunk_seconds: Seconds in which one chunk arrives from a tier; None when not known.
        ahead_seconds: Seconds until the loads that others asked for before are done.
    """

    compute: Callable[[int, int], float | None]
    chunk_seconds: float | None
    ahead_seconds: float = 0.0


def aim(plan: Plan, at: int, mode: Mode, costs: Costs, static_meeting_point: float | None = None) -> Aim:
    """Choose the meeting point for the next step.

    Args:
        plan: The request's plan.
        at: Tokens below it are computed or loaded.
        mode: How stored prefixes are brought back.
        costs: What compute and loads take.
        static_meeting_point: Fraction of the stored prefix to compute, in mode Static.
    """
    match mode:
        case Mode.COMPUTE_ONLY:
            return Aim(plan.end, plan.end)
        case Mode.LOAD_ONLY:
            return Aim(plan.first, plan.first)
        case Mode.STATIC:
            meeting = plan.first + round((static_meeting_point or 0.0) * (plan.end - plan.first))
            return Aim(meeting, meeting)
        case Mode.ADAPTIVE:
            return _balance(plan, at, costs)


def _balance(plan: Plan, at: int, costs: Costs) -> Aim:
    low = max(plan.first, -(-at // plan.chunk_tokens))
    high = plan.stop(at)
    whole = costs.compute(at, high * plan.chunk_tokens)
    if costs.chunk_seconds is None or whole is None or low >= high:
        # Plain Cake needs no estimate: both ends go on until they touch.
        return Aim(high, low)
    pending = plan.pending()

    def load(meeting: int) -> float:
        chunks = pending[meeting - plan.first]
        return chunks * (costs.chunk_seconds or 0.0) + (costs.ahead_seconds if chunks else 0.0)

    def compute(meeting: int) -> float:
        return costs.compute(at, meeting * plan.chunk_tokens) or 0.0

    # Compute grows and load shrinks with the meeting point: bisect for where they cross.
    left, right = low, high
    while left < right:
        middle = (left + right) // 2
        if compute(middle) < load(middle):
            left = middle + 1
        else:
            right = middle
    best = min((m for m in (left - 1, left) if m >= low), key=lambda m: max(compute(m), load(m)))
    margin = 1 + int(MARGIN * (high - low))
    return Aim(best, max(low, best - margin), max(compute(best), load(best)))
