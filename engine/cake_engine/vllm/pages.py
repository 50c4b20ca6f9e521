"""How a page of vLLM's KV cache is ordered inside: what vLLM's own descriptions leave to its attention kernels.

On GPUs a page is dense, and its specification says how keys and values share it. On CPUs the kernel stores tiles for
the instructions that it was built for, so the same model on two kinds of processors has pages of two orders. The kernel
is asked: numbered keys and values are written through it, and where they are found is the order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from vllm.platforms import current_platform
from vllm.v1.kv_cache_interface import KVCacheConfig, KVQuantMode, MLAAttentionSpec

from cake_engine.store.layout import BlockLayout, Part, Plane
from cake_engine.vllm import adapter

CONFIG_KEY = "cake_page"
"""Of vLLM's `kv_connector_extra_config`: how the page gets from the connector to the tiers."""

_DIGIT = 16
"""Numbers up to this are exact in every type; larger ones are written digit by digit."""


class UnreadableError(ValueError):
    """A lossy codec cannot tell the numbers of such pages; the text says why."""


@dataclass(frozen=True)
class Page:
    """The order of one layer's page.

    Attributes:
        order: In a few words; pages of two orders are never the same bytes for the same KV.
        dtype: Of the numbers.
        numbers: Of the page.
        layers: Of each worker.
        keys: Where they lie; None where a codec cannot tell.
        values: Likewise.
        unreadable: Why it cannot tell.
    """

    order: str
    dtype: str
    numbers: int
    layers: int
    keys: Plane | None = None
    values: Plane | None = None
    unreadable: str = ""


def page_of(vllm_config: Any, kv_cache_config: KVCacheConfig, *, look_inside: bool) -> Page:
    """The page of a model with one group of full attention.

    Args:
        vllm_config: vLLM's.
        kv_cache_config: vLLM's.
        look_inside: Whether a codec asks where keys and values lie.
    """
    (group,) = kv_cache_config.kv_cache_groups
    spec = group.kv_cache_spec
    keys = values = None
    unreadable = ""
    try:
        if look_inside:
            keys, values = _planes(vllm_config, spec)
    except UnreadableError as error:
        unreadable = str(error)
    return Page(
        order=_order(vllm_config, spec),
        dtype=str(spec.dtype).removeprefix("torch."),
        numbers=spec.page_size_bytes // spec.dtype.itemsize,
        layers=len(group.layer_names),
        keys=keys,
        values=values,
        unreadable=unreadable,
    )


def block_layout(config: Any, block_bytes: int) -> BlockLayout:
    """The layout of stored blocks: a page for each block of the chunk, of each layer, of each worker.

    Args:
        config: vLLM's `OffloadingConfig`, with the connector's `Page` among its extras.
        block_bytes: Of one row of the primary tier.

    Raises:
        UnreadableError: A lossy codec cannot tell the numbers of such blocks.
    """
    page: Page | None = config.extra_config.get(CONFIG_KEY)
    if page is None or page.keys is None or page.values is None:
        raise UnreadableError(page.unreadable if page else "only CakeConnector says what its pages hold")
    blocks, workers = config.cache.blocks_per_chunk, config.parallel.world_size
    worker_numbers = page.layers * page.numbers * blocks
    worker_bytes = worker_numbers * getattr(torch, page.dtype).itemsize
    if config.worker_kv_bytes_per_block * blocks != worker_bytes:
        raise UnreadableError("its layers do not lie one after the other")
    if config.replicated_layout or config.canonical_layout or workers * worker_bytes > block_bytes:
        raise UnreadableError("its workers do not lie one after the other")
    return BlockLayout(
        dtype=page.dtype,
        workers=(workers, worker_numbers),
        layers=(page.layers, page.numbers * blocks),
        keys=_of_chunk(page.keys, blocks, page.numbers),
        values=_of_chunk(page.values, blocks, page.numbers),
    )


def _of_chunk(plane: Plane, blocks: int, numbers: int) -> Plane:
    return Plane(plane.offset, plane.heads, ((blocks, numbers), *plane.tokens), plane.channels)


def _order(vllm_config: Any, spec: Any) -> str:
    if current_platform.is_cpu():
        return f"cpu-{adapter.cpu_kernel(vllm_config, spec)}"
    return f"{spec.num_heads} x {spec.state_content_size_bytes}"


def _planes(vllm_config: Any, spec: Any) -> tuple[Plane, Plane]:
    if isinstance(spec, MLAAttentionSpec):
        raise UnreadableError("its attention keeps one latent vector instead of keys and values (MLA)")
    if spec.kv_quant_mode is not KVQuantMode.NONE or spec.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        raise UnreadableError("its KV cache is quantized already (--kv-cache-dtype)")
    if spec.state_content_bytes is not None or spec.num_head_slots is not None:
        raise UnreadableError("its attention backend packs keys and values together")
    if spec.page_size_bytes != spec.unpadded_page_size_bytes or spec.head_size_v != spec.head_size:
        raise UnreadableError("its keys and values are of two sizes, or padded")
    if current_platform.is_cpu():
        return _cpu_planes(spec, adapter.cpu_kernel(vllm_config, spec))
    return _dense_planes(spec, vllm_config.cache_config.kv_cache_layout)


def _dense_planes(spec: Any, layout: str | None) -> tuple[Plane, Plane]:
    """Keys and values of a page in [H, N, C] or [N, H, C]: halves of the content."""
    heads, tokens, channels = spec.num_kv_heads, spec.block_size, spec.head_size
    match layout:
        case "LBHNC":
            head, token = tokens * 2 * channels, 2 * channels
        case "LBNHC":
            head, token = 2 * channels, heads * 2 * channels
        case _:
            raise UnreadableError(f"its KV cache has the layout {layout}")
    keys = Plane(0, (heads, head), ((tokens, token),), ((channels, 1),))
    return keys, replace(keys, offset=channels)


def _cpu_planes(spec: Any, kernel: str) -> tuple[Plane, Plane]:
    """Keys and values of a page as the CPU kernel writes them: for each head its keys, then its values."""
    heads, tokens, channels = spec.num_kv_heads, spec.block_size, spec.head_size
    of_token, of_channel = (_written(spec, kernel, axis) for axis in (0, 1))
    planes = []
    for offset, token, channel in zip((0, tokens * channels), of_token, of_channel, strict=True):
        places = torch.empty(tokens, channels, dtype=torch.int64)
        places[token, channel] = torch.arange(tokens * channels)
        along_token, along_channel = places[:, 0] - places[0, 0], places[0] - places[0, 0]
        separate = along_token[:, None] + along_channel + places[0, 0] == places
        if len(set(zip(token.tolist(), channel.tolist(), strict=True))) != tokens * channels or not separate.all():
            raise UnreadableError(f"the CPU kernel for {kernel} orders its pages in an unknown way")
        planes.append(
            Plane(
                offset + int(places[0, 0]),
                (heads, 2 * tokens * channels),
                parts_of(along_token.tolist()),
                parts_of(along_channel.tolist()),
            )
        )
    keys, values = planes
    return keys, values


def _written(spec: Any, kernel: str, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Which token (axis 0) or channel (1) the kernel puts at each place of a head's keys, and of its values."""
    tokens, channels = spec.block_size, spec.head_size
    index = torch.arange((tokens, channels)[axis]).unsqueeze(1 - axis).expand(tokens, channels)
    found = torch.zeros(2, tokens * channels, dtype=torch.int64)
    for place in range(math.ceil(math.log(max(tokens, channels), _DIGIT)) or 1):
        digit = (index // _DIGIT**place % _DIGIT).to(spec.dtype)
        found += adapter.write_cpu_page(digit, digit, kernel).to(torch.int64) * _DIGIT**place
    return found[0], found[1]


def parts_of(offsets: list[int]) -> tuple[Part, ...]:
    """Sizes and strides, outer first, whose offsets are these; the first one is 0.

    Raises:
        UnreadableError: There are none.
    """
    if len(offsets) == 1:
        return ((1, 0),)
    stride = offsets[1]
    run = next((n for n, offset in enumerate(offsets) if offset != n * stride), len(offsets))
    if run == len(offsets):
        return ((run, stride),)
    outer = offsets[::run]
    if len(offsets) % run or offsets != [start + n * stride for start in outer for n in range(run)]:
        raise UnreadableError("its pages are not ordered by sizes and strides")
    return (*parts_of(outer), (run, stride))
