"""Model runner V2, vLLM's default on GPUs, keeps positions on the device and has to be told of every jump."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TRITON = ROOT / ".venv/triton"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    assert (TRITON / "triton").is_dir(), f"{TRITON} has no Triton: run make test-engine, which installs it"
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.runner_v2", tmp_path_factory.mktemp("v2")],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(TRITON), *sys.path]),
            "TRITON_INTERPRET": "1",
            "VLLM_USE_V2_MODEL_RUNNER": "1",
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_it_is_that_runner(report: dict[str, Any]) -> None:
    assert report["runner"] == "vllm.v1.worker.cpu.model_runner"


def test_the_tokens_are_right_while_the_prefix_is_stored(report: dict[str, Any]) -> None:
    assert report["stored"]


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive", "Static"])
def test_the_tokens_are_right_when_it_comes_back(report: dict[str, Any], mode: str) -> None:
    assert report[mode]["same"]


def test_requests_jumped_while_they_ran(report: dict[str, Any]) -> None:
    assert report["Static"]["jumps"] >= 1
    assert report["Static"]["cached"] == 672 - round(0.4 * 21) * 32
