"""vLLM's attention kernel for CPUs: which one it is, and what it writes."""

from __future__ import annotations

from typing import Any

import torch
from vllm import _custom_ops


def cpu_kernel(vllm_config: Any, spec: Any) -> str:
    """The instructions that vLLM's attention kernel for CPUs is built for, chosen as its backend chooses them."""
    from vllm.v1.attention.backends.cpu_attn import _get_attn_isa  # noqa: PLC0415 - a backend that GPUs do not load

    cache, model = vllm_config.cache_config, vllm_config.model_config
    return str(_get_attn_isa(model.dtype, spec.block_size, spec.head_size, cache.cache_dtype))


def write_cpu_page(keys: torch.Tensor, values: torch.Tensor, kernel: str) -> torch.Tensor:
    """One head's page as the CPU kernel writes it, keys then values, of keys and values of shape (tokens, channels)."""
    page = torch.zeros(1, 1, 2 * keys.shape[0], keys.shape[1], dtype=keys.dtype)
    tokens, halves = torch.arange(keys.shape[0]), page.chunk(2, dim=2)
    _custom_ops.cpu_attn_reshape_and_cache(
        keys.unsqueeze(1).contiguous(), values.unsqueeze(1).contiguous(), *halves, tokens, kernel
    )
    return page.view(2, -1)
