"""Requests of vLLM's scheduler: to jump, to wait for loads, to be admitted anew."""

from __future__ import annotations

from collections.abc import Collection

from vllm.v1.core.sched.output import NewRequestData, SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request, RequestStatus


def move_to(scheduler: Scheduler, request: Request, token: int) -> None:
    """Continue a request from `token`, and count what it skipped as cached outside the device."""
    skipped = token - request.num_computed_tokens
    request.num_computed_tokens = token
    if scheduler.connector_prefix_cache_stats is not None and not request.num_preemptions:
        scheduler.connector_prefix_cache_stats.hits += skipped
    stats = request.prefill_stats
    if stats is not None and skipped > 0:
        stats.set(stats.num_prompt_tokens, stats.num_local_cached_tokens, stats.num_external_cached_tokens + skipped)


def resume_parked(scheduler: Scheduler, request: Request, token: int) -> None:
    """Let a request that waits for its load run, with the KV of tokens below `token` in place."""
    stats = request.prefill_stats
    if stats is not None:
        stats.set(stats.num_prompt_tokens, stats.num_local_cached_tokens, token - stats.num_local_cached_tokens)
    request.num_computed_tokens = token
    scheduler.finished_recving_kv_req_ids.add(request.request_id)


def park_again(scheduler: Scheduler, request: Request) -> None:
    """Let a request wait for its load that was let go and has not run since: more of it may be in place by now."""
    request.status = RequestStatus.WAITING_FOR_REMOTE_KVS
    scheduler.finished_recving_kv_req_ids.discard(request.request_id)


def readmit_parked(scheduler: Scheduler, request: Request) -> None:
    """Take the blocks of a request that waits for its load and let it be admitted anew."""
    scheduler.kv_holding_waiting.remove_requests([request])
    scheduler.deferred_waiting.discard(request)
    scheduler._inflight_prefills.discard(request)
    scheduler.finished_recving_kv_req_ids.discard(request.request_id)
    scheduler._set_kv_fetch_stage(request, None)
    scheduler.kv_cache_manager.free(request)
    request.num_computed_tokens = 0
    request.status = RequestStatus.PREEMPTED if request.num_preemptions else RequestStatus.WAITING
    scheduler.waiting.prepend_request(request)


def announce_again(scheduler: Scheduler, output: SchedulerOutput, request_ids: Collection[str]) -> None:
    """Send requests that jumped as new ones: model runner V2 keeps positions on the device and follows only so."""
    cached = output.scheduled_cached_reqs
    for request_id in request_ids:
        if request_id not in cached.req_ids:
            continue
        index = cached.req_ids.index(request_id)
        request = scheduler.requests[request_id]
        computed = cached.num_computed_tokens[index]
        for column in (cached.req_ids, cached.new_block_ids, cached.num_computed_tokens, cached.num_output_tokens):
            column.pop(index)
        if cached.new_token_ids:
            cached.new_token_ids.pop(index)
        cached.all_token_ids.pop(request_id, None)
        data = NewRequestData.from_request(
            request, scheduler.kv_cache_manager.get_block_ids(request_id), request._all_token_ids
        )
        data.num_computed_tokens = computed
        output.scheduled_new_reqs.append(data)
