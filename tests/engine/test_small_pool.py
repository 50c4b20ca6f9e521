"""Exactness where the KV pool is small: running requests give up their blocks, and blocks are soon given on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cake_engine.vllm.worker import HostCopyWorker
from tests.engine.conftest import PROMPT, SEVERAL, Reference
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


def test_a_preempted_request_has_its_prefix_read_ahead_while_it_waits(
    small_pool: Server, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pool.tune(mode="LoadOnly")
    small_pool.forget()
    arrivals: list[bool] = []
    arrive = small_pool.cake.prefetch.arrive

    def record(request: object, *, first: bool = False) -> None:
        arrivals.append(first)
        arrive(request, first=first)

    monkeypatch.setattr(small_pool.cake.prefetch, "arrive", record)
    assert small_pool.tokens(SEVERAL, 100) == reference.several_long
    assert sum(arrivals) > 0
    assert set(small_pool.idle().values()) == {0}


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


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_blocks_are_not_given_on_while_copies_still_write_to_them(
    small_pool: Server, reference: Reference, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    small_pool.tune(mode="LoadOnly")
    small_pool.tokens([PROMPT])
    small_pool.forget()
    copy, prefilled = HostCopyWorker._copy, threading.Event()

    def late(self: HostCopyWorker, job: object) -> int:
        prefilled.wait(1.0)  # the engine must wait for this copy; if it does not, the copy comes after the prefill
        return copy(self, job)

    monkeypatch.setattr(HostCopyWorker, "_copy", late)
    request = small_pool.begin(PROMPT)
    small_pool.step_until(lambda: bool(small_pool.cake._copies))
    if end == "reset":
        assert small_pool.scheduler.reset_prefix_cache(reset_running_requests=True, reset_connector=True)
    small_pool.llm.llm_engine.abort_request([request], internal=True)
    small_pool.tune(mode="ComputeOnly")  # loads would queue behind the late copies and hide what these wrote
    names = [small_pool.begin(tokens, 24) for tokens in SEVERAL[:2]]
    requests = [small_pool.scheduler.requests[name] for name in names]
    small_pool.step_until(lambda: all(r.num_output_tokens > 0 for r in requests))
    prefilled.set()
    assert sorted(small_pool.finish()) == sorted(reference.several[:2])
    monkeypatch.undo()
    assert set(small_pool.idle().values()) == {0}
