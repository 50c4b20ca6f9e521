"""Exactness where the engine plans a step before the last one has ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import PROMPT, SEVERAL, Reference
from tests.engine.serving import Server, write_config


@pytest.fixture(scope="module")
def asynchronous(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """VLLM keeps async scheduling off on CPUs; with it on, the engine plans a step before the last one has ended."""
    from vllm.platforms.cpu import CpuPlatform

    check = CpuPlatform.check_and_update_config.__func__

    def check_then_turn_on(cls: type[CpuPlatform], config: object) -> None:
        check(cls, config)
        config.scheduler_config.async_scheduling = True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CpuPlatform, "check_and_update_config", classmethod(check_then_turn_on))
        server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("async")))
        server.tokens([PROMPT])
        server.tokens(SEVERAL, 24)
        yield server
        server.close()


@pytest.mark.parametrize("mode", ["ComputeOnly", "LoadOnly", "Adaptive"])
@pytest.mark.parametrize("cap", [{}, {"shared": 10e6}], ids=["uncapped", "capped"])
def test_tokens_are_the_same_under_asynchronous_scheduling(
    asynchronous: Server, reference: Reference, mode: str, cap: dict[str, float]
) -> None:
    assert type(asynchronous.scheduler).__name__ == "CakeAsyncScheduler"
    asynchronous.tune(mode=mode, loadBandwidthBytesPerSecond=cap)
    asynchronous.forget()
    assert asynchronous.tokens([PROMPT]) == [reference.prompt]
    asynchronous.forget()
    assert asynchronous.tokens(SEVERAL, 24) == reference.several
    assert set(asynchronous.idle().values()) == {0}
