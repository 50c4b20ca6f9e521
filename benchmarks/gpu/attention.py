"""Attention by torch's own kernels: of a span of prefill to all before it, and of decoding requests to their contexts.

Which kernel takes a causal span that begins anywhere, with grouped heads, depends on device and release: they are tried
once, best first, and the first that gives what plain arithmetic gives is used. Its name stands beside the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.gpu.device import Device

_TRIAL_TOLERANCE = 2e-2
"""Relative difference from float32 arithmetic: bfloat16 has 2^-9 of it in each rounding."""


class Kernel(StrEnum):
    """How attention is computed; all take (heads, tokens, channels)."""

    FLASH = "flash"
    """Fused; heads of keys and values are shared within the kernel."""
    FLASH_REPEATED = "flash, KV heads repeated"
    """Fused; keys and values are copied for each head of queries first."""
    MASKED = "masked"
    """With a mask for each span: what there is on processors."""


class KernelError(RuntimeError):
    """No kernel computes attention as it should here; the text says what was tried."""


def attend(kernel: Kernel, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The last tokens of a context attend to all up to themselves.

    Args:
        kernel: As `choose` found it.
        queries: (heads, tokens, channels).
        keys: (KV heads, context, channels).
        values: Likewise.

    Returns:
        (heads, tokens, channels).
    """
    grouped = queries.shape[0] != keys.shape[0]
    tokens, context = queries.shape[1], keys.shape[1]
    if kernel is Kernel.FLASH_REPEATED and grouped:
        keys, values = (part.repeat_interleave(queries.shape[0] // part.shape[0], 0) for part in (keys, values))
        grouped = False
    q, k, v = queries[None], keys[None], values[None]
    if kernel is Kernel.MASKED:
        mask = torch.ones((tokens, context), dtype=torch.bool, device=q.device).tril(context - tokens)
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)[0]
    if tokens == context:
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)[0]
    from torch.nn.attention.bias import causal_lower_right  # noqa: PLC0415 - seconds, and processors need none of it

    ending = causal_lower_right(tokens, context)
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=ending, enable_gqa=grouped)[0]


def attend_all(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """One token of each of several requests attends to all of its own context.

    Args:
        queries: (requests, heads, 1, channels).
        keys: (requests, KV heads, context, channels).
        values: Likewise.
    """
    return functional.scaled_dot_product_attention(queries, keys, values, enable_gqa=queries.shape[1] != keys.shape[1])


def choose(device: Device, heads: int, kv_heads: int, head_size: int) -> Kernel:
    """The best kernel that is right on this device.

    Raises:
        KernelError: None is.
    """
    tried = []
    for kernel in [Kernel.MASKED] if device.place.type == "cpu" else list(Kernel):
        fault = _fault(kernel, device, heads, kv_heads, head_size)
        if fault is None:
            return kernel
        tried.append(f"{kernel}: {fault}")
    raise KernelError("no attention kernel of torch is right here: " + "; ".join(tried))


def _fault(kernel: Kernel, device: Device, heads: int, kv_heads: int, head_size: int) -> str | None:
    """Why a kernel cannot be used; None where it can."""
    draw = torch.Generator().manual_seed(1)
    tokens, context = 64, 192
    sizes = ((heads, tokens), (kv_heads, context), (kv_heads, context))
    exact = [torch.randn((*size, head_size), generator=draw) for size in sizes]
    q, k, v = (part.to(device.place, device.dtype) for part in exact)
    expected = attend(Kernel.MASKED, *(part.float().cpu() for part in (q, k, v)))
    try:
        found = attend(kernel, q, k, v) if kernel is Kernel.MASKED else _fused(lambda: attend(kernel, q, k, v))
    except RuntimeError as error:
        return str(error).splitlines()[0]
    difference = float((found.float().cpu() - expected).norm() / expected.norm())
    return None if difference < _TRIAL_TOLERANCE else f"differs by {difference:.2g}"


def _fused(compute: Callable[[], Tensor]) -> Tensor:
    """Compute with a fused kernel or not at all: torch would take a slow one without a word."""
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        return compute()
