"""What Cake cannot serve exactly, said at start-up: before a request could be served wrong."""

from __future__ import annotations

from vllm.config import VllmConfig
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig

from cake_engine.vllm_releases import UnsupportedError

SCHEDULER = "CakeScheduler"


def refuse_unsupported(vllm_config: VllmConfig, kv_cache_config: KVCacheConfig) -> None:
    """Refuse what Cake cannot serve exactly.

    Raises:
        UnsupportedError: With the reason and what to change.
    """
    groups = kv_cache_config.kv_cache_groups
    parallel = vllm_config.parallel_config
    reason = None
    if len(groups) != 1:
        reason = f"the model has {len(groups)} KV cache groups (hybrid attention) and Cake needs exactly one"
    elif not isinstance(groups[0].kv_cache_spec, FullAttentionSpec) or groups[0].kv_cache_spec.sliding_window:
        kind = type(groups[0].kv_cache_spec).__name__
        reason = f"the model's KV cache is {kind} with a window or a state, and Cake needs full attention in all layers"
    elif vllm_config.speculative_config is not None:
        reason = "speculative decoding is on: remove --speculative-config"
    elif parallel.pipeline_parallel_size > 1:
        reason = "pipeline parallelism is on: set --pipeline-parallel-size 1"
    elif parallel.decode_context_parallel_size > 1 or parallel.prefill_context_parallel_size > 1:
        reason = "context parallelism is on: set its sizes to 1"
    elif not vllm_config.cache_config.enable_prefix_caching:
        reason = "prefix caching is off: remove --no-enable-prefix-caching"
    elif not vllm_config.scheduler_config.enable_chunked_prefill:
        reason = "chunked prefill is off: remove --no-enable-chunked-prefill"
    elif not any(cls.__name__ == SCHEDULER for cls in vllm_config.scheduler_config.get_scheduler_cls().__mro__):
        reason = f"its scheduler is not Cake's: add --scheduler-cls cake_engine.vllm.scheduler.{SCHEDULER}"
    if reason:
        raise UnsupportedError(f"Cake cannot serve this: {reason}; or serve without Cake.")
