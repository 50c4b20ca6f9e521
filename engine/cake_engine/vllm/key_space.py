"""From vLLM's description of an engine's KV cache to the fingerprint of its blocks on a tier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

from cake_engine.config import ModelIdentity, TierConfig
from cake_engine.store.keys import Fingerprint
from cake_engine.vllm import weights
from cake_engine.vllm.pages import CONFIG_KEY as PAGE_KEY
from cake_engine.vllm.pages import Page


def fingerprint(config: Any, block_bytes: int, model: ModelIdentity, tier: TierConfig) -> Fingerprint:
    """The key space of an engine's blocks on a tier.

    Args:
        config: vLLM's `OffloadingConfig`, with what the connector found out of weights and pages among its extras.
        block_bytes: Of one row of the primary tier, which holds the bytes of all workers in rank order.
        model: Name and revision from the static configuration; vLLM's own file tier leaves the revision out.
        tier: For the codec.
    """
    layers = [(group.group_id, group.tokens_per_block, list(group.layer_names)) for group in config.groups]
    page: Page | None = config.extra_config.get(PAGE_KEY)
    parts: Collection[object] = (
        config.kv_cache_layout,
        config.canonical_layout,
        config.replicated_layout,
        config.worker_kv_bytes_per_block,
        config.cache.tokens_per_hash,
        config.cache.blocks_per_chunk,
        layers,
        page.order if page else None,
    )
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    parallel = config.parallel
    return Fingerprint(
        model=model.name,
        revision=model.revision,
        dtype=str(config.model.dtype),
        layout=f"{config.kv_cache_layout or 'default'}-{digest}",
        block_tokens=config.groups[0].tokens_per_block * config.cache.blocks_per_chunk,
        block_bytes=block_bytes,
        weights=config.extra_config.get(weights.CONFIG_KEY),
        tensor_parallel_size=parallel.tp_size,
        pipeline_parallel_size=parallel.pp_size,
        context_parallel_size=parallel.pcp_size * parallel.dcp_size,
        codec=tier.codec,
    )
