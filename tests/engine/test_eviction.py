"""Which chunks leave memory first."""

from __future__ import annotations

from vllm.v1.kv_offload.base import ReqContext, make_offload_key
from vllm.v1.kv_offload.cpu.policies.base import ChunkStatus

from cake_engine.vllm import adapter
from cake_engine.vllm.eviction import HeadsFirstPolicy


def request(policy: HeadsFirstPolicy, name: str, chunks: int, *, known: bool = False) -> list[bytes]:
    """A request that stores its chunks, head first, and ends."""
    context = ReqContext(req_id=name)
    keys = [make_offload_key(f"{name}{chunk:03}".encode(), 0) for chunk in range(chunks)]
    for position, key in enumerate(keys, start=1):
        context.set_offload_key_position(key, position)
        if not known:
            status = ChunkStatus(position)
            policy.insert(*((key, status) if adapter.RELEASE == "0.32" else (key, status, context)))
            status.ref_cnt = 0
            policy.mark_evictable(key)
    policy.on_request_finished([keys], set(), set(keys), context)
    return keys


def leaving(policy: HeadsFirstPolicy, count: int) -> list[bytes]:
    evicted = policy.evict(count, set())
    assert evicted is not None
    return [key for key, _ in evicted]


def test_of_one_request_the_head_leaves_before_the_tail() -> None:
    policy = HeadsFirstPolicy(10)
    keys = request(policy, "a", 4)
    assert leaving(policy, 4) == keys
    assert policy.evictions == 4


def test_the_request_used_longest_ago_leaves_first() -> None:
    policy = HeadsFirstPolicy(10)
    first, second = request(policy, "a", 2), request(policy, "b", 2)
    request(policy, "a", 2, known=True)
    assert leaving(policy, 4) == second + first


def test_heads_below_the_retained_part_leave_before_tails_of_older_requests() -> None:
    policy = HeadsFirstPolicy(10)
    policy.retain_from = lambda: 0.5
    first, second = request(policy, "a", 4), request(policy, "b", 4)
    assert leaving(policy, 8) == first[:2] + second[:2] + first[2:] + second[2:]


def test_a_chunk_that_is_head_and_was_pinned_keeps_its_place() -> None:
    policy = HeadsFirstPolicy(10)
    policy.retain_from = lambda: 0.5
    keys = request(policy, "a", 4)
    policy.mark_non_evictable(keys[0])
    assert leaving(policy, 1) == [keys[1]]
    policy.mark_evictable(keys[0])
    assert leaving(policy, 3) == [keys[0], *keys[2:]]


def test_eviction_is_all_or_nothing() -> None:
    policy = HeadsFirstPolicy(10)
    keys = request(policy, "a", 2)
    assert policy.evict(2, {keys[0]}) is None
    assert leaving(policy, 2) == keys
