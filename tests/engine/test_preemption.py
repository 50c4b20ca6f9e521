"""Exactness where the KV pool is too small and running requests give up their blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import SEVERAL, Reference
from tests.engine.serving import Server, write_config


@pytest.fixture(scope="module")
def small_pool(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """100 blocks for eight requests that need 290."""
    server = Server(
        model,
        cake_config=write_config(tmp_path_factory.mktemp("pool")),
        num_gpu_blocks_override=100,
        max_model_len=2048,
    )
    server.scheduler.scheduler_reserve_full_isl = False
    server.scheduler.kv_cache_manager.watermark_blocks = 0
    server.tokens(SEVERAL, 24)
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["ComputeOnly", "LoadOnly", "Adaptive"])
@pytest.mark.parametrize("cap", [{}, {"shared": 20e6}], ids=["uncapped", "capped"])
def test_preempted_requests_are_resumed_with_the_same_tokens(
    small_pool: Server, reference: Reference, mode: str, cap: dict[str, float]
) -> None:
    small_pool.tune(mode=mode, loadBandwidthBytesPerSecond=cap)
    small_pool.forget()
    before = _preemptions(small_pool)
    assert small_pool.tokens(SEVERAL, 100) == reference.several_long
    assert _preemptions(small_pool) > before
    assert set(small_pool.idle().values()) == {0}
    assert small_pool.scheduler.kv_cache_manager.usage == 0


def _preemptions(server: Server) -> int:
    """Preempted requests so far; counted where vLLM does it."""
    if not hasattr(server, "preemptions"):
        preempt = server.scheduler._preempt_request
        server.preemptions = 0

        def counted(*args: object, **kwargs: object) -> None:
            server.preemptions += 1
            preempt(*args, **kwargs)

        server.scheduler._preempt_request = counted
    return server.preemptions
