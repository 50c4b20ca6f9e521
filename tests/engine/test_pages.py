"""The order inside a page of the KV cache, against what vLLM's own kernel writes there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vllm import _custom_ops
from vllm.v1.attention.backends.cpu_attn import _get_attn_isa
from vllm.v1.kv_cache_interface import (
    FullAttentionSpec,
    KVCacheConfig,
    KVCacheGroupSpec,
    KVQuantMode,
    MLAAttentionSpec,
)

from cake_engine.config import CodecName
from cake_engine.store.codecs import codec_of
from cake_engine.store.layout import Plane
from cake_engine.vllm import pages
from cake_engine.vllm.pages import CONFIG_KEY, UnreadableError, block_layout, page_of, parts_of

FLAT = {"block_size": 32, "num_kv_heads": 2, "head_size": 64, "dtype": torch.bfloat16}


def spec_of(**changes: Any) -> FullAttentionSpec:
    return FullAttentionSpec(**FLAT | changes)


def page(spec: FullAttentionSpec, layout: str = "LBHNC") -> pages.Page:
    """The page of a model of three layers."""
    config = SimpleNamespace(
        model_config=SimpleNamespace(dtype=spec.dtype),
        cache_config=SimpleNamespace(cache_dtype="auto", kv_cache_layout=layout),
    )
    group = KVCacheGroupSpec(["a", "b", "c"], spec)
    return page_of(config, KVCacheConfig(num_blocks=8, kv_cache_tensors=[], kv_cache_groups=[group]), look_inside=True)


def read(numbers: torch.Tensor, plane: Plane) -> torch.Tensor:
    """Heads, tokens, channels."""
    sizes, strides = zip(plane.heads, *plane.tokens, *plane.channels, strict=True)
    return numbers.as_strided(sizes, strides, plane.offset).reshape(plane.shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("tokens", [16, 32, 128])
@pytest.mark.parametrize("channels", [32, 64, 80, 128])
def test_the_keys_and_values_that_the_cpu_kernel_wrote_are_found(
    dtype: torch.dtype, tokens: int, channels: int
) -> None:
    spec = spec_of(dtype=dtype, block_size=tokens, head_size=channels, num_kv_heads=3)
    found = page(spec)
    keys, values = torch.randn(2, tokens, 3, channels).to(dtype)
    cache = torch.zeros(1, 3, 2 * tokens, channels, dtype=dtype)
    isa = _get_attn_isa(dtype, tokens, channels, "auto")
    _custom_ops.cpu_attn_reshape_and_cache(keys, values, *cache.chunk(2, dim=2), torch.arange(tokens), isa)

    assert found.keys is not None
    assert found.values is not None
    assert torch.equal(read(cache.view(-1), found.keys), keys.transpose(0, 1))
    assert torch.equal(read(cache.view(-1), found.values), values.transpose(0, 1))


@pytest.mark.parametrize(("layout", "order"), [("LBHNC", (0, 1, 2)), ("LBNHC", (1, 0, 2))])
def test_on_gpus_keys_and_values_are_halves_of_the_content(
    monkeypatch: pytest.MonkeyPatch, layout: str, order: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(pages.current_platform, "is_cpu", lambda: False)
    found = page(spec_of(), layout)
    keys, values = torch.randn(2, 2, 32, 64)
    cache = torch.cat([keys, values], dim=-1).permute(order).contiguous()

    assert found.keys is not None
    assert found.values is not None
    assert torch.equal(read(cache.view(-1), found.keys), keys)
    assert torch.equal(read(cache.view(-1), found.values), values)


def test_a_chunk_of_two_blocks_of_two_workers_is_one_table_of_tokens() -> None:
    found = page(spec_of())
    config = SimpleNamespace(
        extra_config={CONFIG_KEY: found},
        cache=SimpleNamespace(blocks_per_chunk=2),
        parallel=SimpleNamespace(world_size=2),
        worker_kv_bytes_per_block=3 * found.numbers * 2,
        replicated_layout=False,
        canonical_layout=False,
    )
    layout = block_layout(config, 2 * 2 * 3 * found.numbers * 2 + 4096)

    assert layout.workers == (2, 6 * found.numbers)
    assert layout.layers == (3, 2 * found.numbers)
    assert layout.keys.shape == (2, 64, 64)
    codec_of(CodecName.KIVI4, "bfloat16", layout)
    config.worker_kv_bytes_per_block += 1
    with pytest.raises(UnreadableError, match="layers do not lie one after the other"):
        block_layout(config, 1 << 20)


@pytest.mark.parametrize(
    ("spec", "layout", "reason"),
    [
        (MLAAttentionSpec(**FLAT), "LBHNC", "one latent vector instead of keys and values"),
        (spec_of(kv_quant_mode=KVQuantMode.FP8_PER_TENSOR), "LBHNC", "quantized already"),
        (spec_of(dtype=torch.uint8), "LBHNC", "quantized already"),
        (spec_of(num_head_slots=4, state_content_bytes=64), "LBHNC", "packs keys and values together"),
        (spec_of(head_size_v=32), "LBHNC", "of two sizes"),
        (spec_of(), "BLHNC", "has the layout BLHNC"),
    ],
)
def test_pages_that_no_codec_can_read_say_why(
    monkeypatch: pytest.MonkeyPatch, spec: FullAttentionSpec, layout: str, reason: str
) -> None:
    monkeypatch.setattr(pages.current_platform, "is_cpu", lambda: False)

    assert reason in page(spec, layout).unreadable


@pytest.mark.parametrize(
    ("offsets", "parts"),
    [
        ([0], ((1, 0),)),
        ([0, 1, 2, 3], ((4, 1),)),
        ([0, 1, 8, 9, 16, 17], ((3, 8), (2, 1))),
        ([0, 4, 1, 5, 20, 24, 21, 25], ((2, 20), (2, 1), (2, 4))),
    ],
)
def test_an_axis_is_told_by_its_offsets(offsets: list[int], parts: tuple[tuple[int, int], ...]) -> None:
    assert parts_of(offsets) == parts


@pytest.mark.parametrize("offsets", [[0, 1, 2, 4], [0, 1, 5, 6, 7, 8]])
def test_an_axis_without_sizes_and_strides_is_refused(offsets: list[int]) -> None:
    with pytest.raises(UnreadableError, match="sizes and strides"):
        parts_of(offsets)
