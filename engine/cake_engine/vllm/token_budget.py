"""What the requests in vLLM's queues could compute in this step beside stored prefixes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING

from vllm.v1.request import Request

from cake_engine.core.budget import OtherTokens

if TYPE_CHECKING:
    from cake_engine.vllm.scheduler import CakeScheduler


def tokens_of_others(scheduler: CakeScheduler, besides: Request) -> OtherTokens:
    """The tokens that others want, as far as there are seats and blocks for them.

    Args:
        scheduler: In the middle of scheduling a step.
        besides: The request that is being scheduled, the first with a stored prefix in this step.
    """
    decode, alone, texts = 0, 0, []
    for request in scheduler.running:
        tokens = request.num_tokens_with_spec + request.num_output_placeholders - request.num_computed_tokens
        if request is besides:
            continue
        filling = scheduler.cake.new_text(request)
        if filling is not None:
            alone += filling
        elif request.is_prefill_chunk:
            texts.append(tokens)
        else:
            decode += tokens
    texts += _of_waiting(scheduler, besides)
    ends = accumulate(texts, initial=decode + alone)
    within = sum(end <= scheduler.max_num_scheduled_tokens for end in islice(ends, 1, None))
    return OtherTokens(decode, alone + sum(texts), ending=within)


def _of_waiting(scheduler: CakeScheduler, besides: Request) -> Iterator[int]:
    """New text of each request that would be admitted if there were tokens for it, and could be computed at once."""
    seats = scheduler.max_num_active_reqs - len(scheduler.running) - scheduler.num_waiting_for_streaming_input
    pool, block = scheduler.kv_cache_manager.block_pool, scheduler.block_size
    free, tokens = pool.get_num_free_blocks(), 0
    for request in chain(scheduler.kv_holding_waiting, scheduler.waiting):
        if seats <= 0 or tokens >= scheduler.max_num_scheduled_tokens:
            break
        if request is besides or scheduler._is_blocked_waiting_status(request.status):
            continue
        if not request.num_computed_tokens:
            free -= -(-request.num_tokens // block)
        if free < 0:
            break
        seats -= 1
        text = scheduler.cake.text_at_once(request)
        if text:
            tokens += text
            yield text
