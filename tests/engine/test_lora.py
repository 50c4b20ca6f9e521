"""LoRA adapters: the same tokens as without Cake, and KV that is never taken for another adapter's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from vllm.lora.request import LoRARequest

from tests.engine.conftest import PROMPT
from tests.engine.serving import Server, write_config

SETTINGS: dict[str, Any] = {"enable_lora": True, "max_loras": 2, "max_lora_rank": 8}
RANK = 8


def train(folder: Path, seed: int) -> Path:
    """An adapter of random weights, strong enough to change the tokens."""
    draw = torch.Generator().manual_seed(seed)
    weights = {}
    for layer in range(4):
        for name, width in (("q_proj", 128), ("v_proj", 64)):
            prefix = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{prefix}.lora_A.weight"] = torch.randn(RANK, 128, generator=draw) * 0.3
            weights[f"{prefix}.lora_B.weight"] = torch.randn(width, RANK, generator=draw) * 0.3
    folder.mkdir(exist_ok=True)
    save_file(weights, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 16, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["q_proj", "v_proj"]}))
    return folder


@dataclass(frozen=True)
class Adapters:
    """Two adapters and what each makes of the prompt, by plain compute."""

    folders: list[Path]
    tokens: list[list[int]]
    base: list[int]

    def request(self, index: int, identifier: int | None = None) -> LoRARequest:
        return LoRARequest(f"adapter{index}", identifier or index + 1, str(self.folders[index]))


@pytest.fixture(scope="module")
def adapters(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapters:
    folders = [train(tmp_path_factory.mktemp("adapter"), seed) for seed in range(2)]
    made = Adapters(folders, [], [])
    server = Server(model, **SETTINGS)
    try:
        made.base.extend(server.tokens([PROMPT])[0])
        made.tokens.extend(server.tokens([PROMPT], lora_request=made.request(index))[0] for index in range(2))
    finally:
        server.close()
    assert made.base != made.tokens[0] != made.tokens[1] != made.base
    return made


@pytest.fixture(scope="module")
def stocked(model: Path, adapters: Adapters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("lora")), **SETTINGS)
    try:
        assert server.tokens([PROMPT], lora_request=adapters.request(0)) == [adapters.tokens[0]]
        yield server
    finally:
        server.close()


@pytest.fixture
def server(stocked: Server) -> Iterator[Server]:
    """Holds the prompt's KV under the first adapter, in files."""
    stocked.forget()
    yield stocked
    assert set(stocked.idle().values()) == {0}, stocked.idle()


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive"])
def test_an_adapters_stored_prefix_comes_back(server: Server, adapters: Adapters, mode: str) -> None:
    server.tune(mode=mode)
    assert server.tokens([PROMPT], lora_request=adapters.request(0)) == [adapters.tokens[0]]
    assert server.cached[0] > 0


def test_another_adapter_and_the_base_model_do_not_see_it(server: Server, adapters: Adapters) -> None:
    server.tune(mode="LoadOnly")
    assert server.tokens([PROMPT], lora_request=adapters.request(1)) == [adapters.tokens[1]]
    assert server.cached == [0]
    server.forget()
    assert server.tokens([PROMPT]) == [adapters.base]
    assert server.cached == [0]


def test_an_adapter_trained_anew_into_the_same_folder_does_not_see_the_old_ones(
    server: Server, adapters: Adapters, tmp_path: Path
) -> None:
    folder = train(tmp_path / "adapter", seed=0)
    server.tune(mode="LoadOnly")
    before = Adapters([folder], [], []).request(0, identifier=11)
    assert server.tokens([PROMPT], lora_request=before) == [adapters.tokens[0]]
    server.settle()
    shutil.rmtree(folder)
    train(folder, seed=1)
    server.llm.llm_engine.remove_lora(11)
    server.forget()
    after = Adapters([folder], [], []).request(0, identifier=12)
    assert server.tokens([PROMPT], lora_request=after) == [adapters.tokens[1]]
    assert server.cached == [0]


def test_an_adapter_whose_files_change_while_it_is_in_use_shares_nothing_from_then_on(
    server: Server, adapters: Adapters, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = train(tmp_path / "adapter", seed=0)
    server.tune(mode="LoadOnly")
    adapter = Adapters([folder], [], []).request(0, identifier=21)
    server.tokens([PROMPT], lora_request=adapter)
    server.settle()
    train(folder, seed=1)
    server.forget()
    # vLLM goes on with the weights that it has in memory.
    assert server.tokens([PROMPT], lora_request=adapter) == [adapters.tokens[0]]
    assert server.cached == [0]
    assert "its files changed while it was in use" in caplog.text
