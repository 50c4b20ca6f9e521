"""Who wants compute, as vLLM's queues say: what `cake_engine.core.plan_costs` needs to know of the engine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from typing import TYPE_CHECKING

from vllm.v1.request import Request

from cake_engine.core.plan_costs import HORIZON, Demand, Waiting

if TYPE_CHECKING:
    from cake_engine.vllm.scheduler import CakeScheduler


def demand(scheduler: CakeScheduler, told: Callable[[Request], Waiting | None]) -> Demand:
    """Read vLLM's queues.

    Args:
        scheduler: Before or in the middle of scheduling a step.
        told: What a request that waits needs; None while that is not known.
    """
    running, waiting = scheduler.running, (scheduler.kv_holding_waiting, scheduler.waiting)
    prefilling = [
        (request.request_id, request.num_computed_tokens, request.num_tokens)
        for request in running
        if request.num_computed_tokens < request.num_tokens - 1
    ]
    first = [one for request in islice(chain(*waiting), HORIZON) if (one := told(request))]
    beyond = max(0, sum(map(len, waiting)) - HORIZON)
    return Demand(len(running) - len(prefilling), prefilling, first, beyond)
