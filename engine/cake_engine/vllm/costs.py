"""Who wants compute, as vLLM's queues say: what `cake_engine.core.plan_costs` needs to know of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vllm.v1.request import Request

from cake_engine.core.plan_costs import Demand


def demand(running: Sequence[Request], waiting: Iterable[Request]) -> Demand:
    """Read vLLM's queues."""
    prefilling = [
        (request.request_id, request.num_computed_tokens, request.num_tokens)
        for request in running
        if request.num_computed_tokens < request.num_tokens - 1
    ]
    return Demand(len(running) - len(prefilling), prefilling, frozenset(request.request_id for request in waiting))
