"""The same tokens as plain compute under other settings of the engine, each against plain compute with that setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import PROMPT, SEVERAL
from tests.engine.serving import Server, write_config

SETTINGS: dict[str, dict[str, Any]] = {
    "tensor parallel over two processes": {"tensor_parallel_size": 2, "distributed_executor_backend": "mp"},
    "scheduling by priority": {"scheduling_policy": "priority"},
    "steps of one chunk": {"max_num_batched_tokens": 32},
    "steps larger than the prompt": {"max_num_batched_tokens": 4096},
}


@dataclass(frozen=True)
class Setting:
    """A server with a setting, and what plain compute says under it."""

    server: Server
    prompt: list[int]
    several: list[list[int]]


@pytest.fixture(scope="module", params=SETTINGS)
def stocked(request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    plain = Server(model, **SETTINGS[request.param])
    try:
        prompt, several = plain.tokens([PROMPT])[0], plain.tokens(SEVERAL[:4], 24)
    finally:
        plain.close()
    server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("cake")), **SETTINGS[request.param])
    try:
        assert server.tokens([PROMPT]) == [prompt]
        assert server.tokens(SEVERAL[:4], 24) == several
        yield Setting(server, prompt, several)
    finally:
        server.close()


@pytest.fixture
def setting(stocked: Setting) -> Iterator[Setting]:
    stocked.server.forget()
    yield stocked
    assert set(stocked.server.idle().values()) == {0}, stocked.server.idle()


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive"])
def test_one_long_prompt(setting: Setting, mode: str) -> None:
    setting.server.tune(mode=mode, loadBandwidthBytesPerSecond={"shared": 20e6})
    assert setting.server.tokens([PROMPT]) == [setting.prompt]
    assert mode == "Adaptive" or setting.server.cached == [1984]


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive"])
def test_four_at_once(setting: Setting, mode: str) -> None:
    setting.server.tune(mode=mode, loadBandwidthBytesPerSecond={"shared": 40e6})
    assert setting.server.tokens(SEVERAL[:4], 24) == setting.several
