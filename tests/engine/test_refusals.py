"""What is said at start: what cannot be served exactly is refused, what makes it slow is told, with what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec, SlidingWindowSpec

from cake_engine.vllm.adapter import UnsupportedError, refuse_unsupported
from cake_engine.vllm.scheduler import CakeScheduler
from cake_engine.vllm.spec import CakeOffloadingSpec
from tests.engine.serving import Server, write_config

SHAPE = {"block_size": 32, "num_kv_heads": 2, "head_size": 32, "dtype": torch.float32}
FULL = FullAttentionSpec(**SHAPE)


def groups(*specs: Any) -> KVCacheConfig:
    named = [KVCacheGroupSpec([f"layer{index}"], spec) for index, spec in enumerate(specs)]
    return KVCacheConfig(num_blocks=8, kv_cache_tensors=[], kv_cache_groups=named)


def settings(**changes: Any) -> SimpleNamespace:
    """The settings that are looked at, as a server with Cake has them."""
    values = {
        "speculative": None,
        "pipeline": 1,
        "prefill_context": 1,
        "prefix_caching": True,
        "chunked_prefill": True,
        "scheduler": CakeScheduler,
    } | changes
    return SimpleNamespace(
        speculative_config=values["speculative"],
        parallel_config=SimpleNamespace(
            pipeline_parallel_size=values["pipeline"],
            decode_context_parallel_size=1,
            prefill_context_parallel_size=values["prefill_context"],
        ),
        cache_config=SimpleNamespace(enable_prefix_caching=values["prefix_caching"]),
        scheduler_config=SimpleNamespace(
            enable_chunked_prefill=values["chunked_prefill"], get_scheduler_cls=lambda: values["scheduler"]
        ),
    )


@pytest.mark.parametrize(
    ("changes", "cache", "sentence"),
    [
        ({}, groups(SlidingWindowSpec(**SHAPE, sliding_window=64)), "SlidingWindowSpec with a window or a state"),
        ({}, groups(FullAttentionSpec(**SHAPE, sliding_window=64)), "with a window or a state"),
        ({}, groups(FULL, SlidingWindowSpec(**SHAPE, sliding_window=64)), "2 KV cache groups"),
        ({"speculative": object()}, groups(FULL), "remove --speculative-config"),
        ({"pipeline": 2}, groups(FULL), "set --pipeline-parallel-size 1"),
        ({"prefill_context": 2}, groups(FULL), "set its sizes to 1"),
        ({"prefix_caching": False}, groups(FULL), "remove --no-enable-prefix-caching"),
        ({"chunked_prefill": False}, groups(FULL), "remove --no-enable-chunked-prefill"),
        ({"scheduler": Scheduler}, groups(FULL), "add --scheduler-cls cake_engine.vllm.scheduler.CakeScheduler"),
    ],
)
def test_a_setting_that_cannot_be_exact_is_refused(
    changes: dict[str, Any], cache: KVCacheConfig, sentence: str
) -> None:
    with pytest.raises(UnsupportedError, match=sentence):
        refuse_unsupported(settings(**changes), cache)


def test_one_group_of_full_attention_is_served() -> None:
    refuse_unsupported(settings(), groups(FULL))


@pytest.mark.parametrize(
    ("config", "overrides", "sentence"),
    [
        ({"memory_chunks": 1}, {}, 'tier "memory" holds 65536 bytes .* give it a capacity of at least 131072'),
        ({}, {"scheduler_cls": None}, "add --scheduler-cls"),
    ],
    ids=["too small a memory tier", "vLLM's own scheduler"],
)
def test_a_real_server_does_not_start(
    model: Path, tmp_path: Path, config: dict[str, Any], overrides: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((UnsupportedError, ValueError), match=sentence):
        Server(model, cake_config=write_config(tmp_path, **config), **overrides)


def test_a_chunk_that_is_no_multiple_of_the_block_is_refused_with_the_next_size_that_is(
    model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="Use 64 instead"):
        Server(model, cake_config=write_config(tmp_path, chunk_tokens=48))


@pytest.mark.parametrize(("chunk", "advice"), [(16, ['write "chunkTokens": 64']), (48, [])])
def test_an_engine_whose_chunks_make_small_files_says_how_long_they_should_be(
    caplog: pytest.LogCaptureFixture, chunk: int, advice: list[str]
) -> None:
    """Of SmolLM2-135M on a GPU."""
    spec: Any = SimpleNamespace(
        config=SimpleNamespace(groups=[SimpleNamespace(tokens_per_block=16)]),
        blocks_per_chunk=chunk // 16,
        kv_bytes_per_chunk=chunk * 23040,
        static=SimpleNamespace(file_systems=["shared"]),
    )
    CakeOffloadingSpec._advise_on_chunks(spec)

    assert len(caplog.messages) == len(advice)
    assert all(part in message for part, message in zip(advice, caplog.messages, strict=True))
