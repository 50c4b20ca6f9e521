"""Models that would compute other KV never share a key space, whatever they are called."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig

from cake_engine.vllm.weights import digest


def loaded(folder: Path | str, **settings: Any) -> SimpleNamespace:
    """What vLLM knows of a model that it has loaded."""
    config = LlamaConfig.from_pretrained(folder) if Path(folder).is_dir() else LlamaConfig()
    for name, value in settings.pop("overrides", {}).items():
        setattr(config, name, value)
    return SimpleNamespace(model=str(folder), hf_config=config, quantization=None, revision=None, **settings)


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "copy"))


def retrain(folder: Path, tensor: str) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors[tensor] = tensors[tensor] + 1e-3 * torch.randn_like(tensors[tensor])
    save_file(tensors, path, metadata={"format": "pt"})


def test_the_same_weights_in_another_folder_are_the_same_model(model: Path, copy: Path) -> None:
    assert digest(loaded(copy)) == digest(loaded(model))


@pytest.mark.parametrize("tensor", ["model.layers.3.self_attn.k_proj.weight", "model.norm.weight"])
def test_weights_of_which_one_tensor_was_trained_are_another_model(model: Path, copy: Path, tensor: str) -> None:
    retrain(copy, tensor)

    assert digest(loaded(copy)) != digest(loaded(model))


def test_the_same_weights_with_another_rope_are_another_model(model: Path) -> None:
    stretched = {"rope_scaling": {"rope_type": "linear", "factor": 2.0}}

    assert digest(loaded(model, overrides=stretched)) != digest(loaded(model))


def test_weights_in_a_format_of_another_kind_are_told_apart_too(copy: Path) -> None:
    file = copy / "model.bin"
    (copy / "model.safetensors").rename(file)
    before = digest(loaded(copy))
    with file.open("r+b") as weights:
        weights.seek(0)
        weights.write(b"\xff")

    assert digest(loaded(copy)) != before


def test_weights_that_are_not_on_the_machine_are_said_once_and_told_apart_by_configuration(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = digest(loaded("nobody/nothing"))

    assert "No weights of nobody/nothing were found" in caplog.text
    assert digest(loaded("nobody/nothing", overrides={"rope_theta": 1e6})) != first


def test_a_model_from_the_hub_is_read_from_its_snapshot(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vllm.transformers_utils.repo_utils.try_to_load_from_cache", cached_in(model))
    hub = SimpleNamespace(**vars(loaded(model)) | {"model": "org/model"})

    assert digest(hub) == digest(loaded(model))


def cached_in(folder: Path) -> Callable[..., str]:
    return lambda repo_id, filename, revision: str(folder / filename)
