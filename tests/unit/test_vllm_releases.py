"""Which vLLM Cake starts on, and what it says on another one."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cake_engine import vllm_releases
from cake_engine.vllm_releases import RELEASES, UnsupportedError, release_of

ADAPTERS = Path(vllm_releases.__file__).parent / "vllm" / "adapter"


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("0.32.0", "0.32"),
        ("0.32.1", "0.32"),
        ("0.32.0+cpu", "0.32"),
        ("0.33.0", "0.33"),
        ("0.33.2.post1", "0.33"),
        ("0.33.0+cu130", "0.33"),
    ],
)
def test_a_supported_vllm_has_the_adapter_of_its_release(version: str, release: str) -> None:
    assert release_of(version) == release


@pytest.mark.parametrize(
    "version",
    ["0.31.4", "0.34.0", "0.33.0rc1", "0.33.1.dev12+g4ba787ec9", "0.33", "0.330.0", "0.3.2", "1.32.0", "dev", ""],
)
def test_another_vllm_is_refused_with_what_to_install(version: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        release_of(version)
    text = str(refused.value)
    assert f"and this is {version}. " in text
    assert all(release in text for release in RELEASES)
    assert "install vllm==0.33.0, or serve without Cake" in text


def test_every_supported_release_has_an_adapter_and_no_other_has() -> None:
    written = {path.stem for path in ADAPTERS.glob("release_*.py")}
    assert written == {f"release_{release.replace('.', '_')}" for release in RELEASES}


def offered(release: str) -> tuple[set[str], set[str]]:
    """Public names of a release's adapter, and of what its classes have of their own."""
    module = ast.parse((ADAPTERS / f"release_{release.replace('.', '_')}.py").read_text())
    top = [node for node in module.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    classes = [node for node in top if isinstance(node, ast.ClassDef)]
    members = {
        f"{each.name}.{node.name}" for each in classes for node in each.body if isinstance(node, ast.FunctionDef)
    }
    return {node.name for node in top}, members


@pytest.mark.parametrize("release", RELEASES[1:])
def test_every_adapter_offers_what_that_of_the_first_release_does(release: str) -> None:
    """Type checkers read that one alone."""
    names, members = offered(RELEASES[0])
    assert names == offered(release)[0]
    assert members <= offered(release)[1]


@pytest.fixture
def old_vllm(tmp_path: Path) -> dict[str, str]:
    """An environment in which vLLM is one that no adapter is for, and has nothing but its version."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "vllm.py").write_text('__version__ = "0.31.4"\n')
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}


@pytest.mark.parametrize("name", ["connector", "scheduler"])
def test_what_plain_vllm_loads_refuses_another_vllm_before_it_touches_it(old_vllm: dict[str, str], name: str) -> None:
    command = [sys.executable, "-c", f"import cake_engine.vllm.{name}"]

    ended = subprocess.run(command, env=old_vllm, check=False, capture_output=True, text=True, timeout=300)

    assert ended.returncode == 1
    said = ended.stderr.splitlines()[-1]
    assert said.startswith(
        "cake_engine.vllm_releases.UnsupportedError: Cake supports vLLM 0.32 and 0.33, and this is 0.31.4."
    )


def test_serve_says_on_one_line_that_it_is_another_vllm(old_vllm: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "engine.json"
    tiers = [{"name": "memory", "kind": "Memory", "capacityBytes": 1 << 30}]
    live = str(tmp_path / "tuning.json")
    config.write_text(json.dumps({"version": 1, "model": {"name": "m"}, "tiers": tiers, "liveConfig": live}))
    command = [sys.executable, "-m", "cake_engine.cli", "serve", "m", "--cake-config", str(config)]

    ended = subprocess.run(command, env=old_vllm, check=False, capture_output=True, text=True, timeout=300)

    assert ended.returncode == 2
    assert ended.stderr.startswith("cake-engine: Cake supports vLLM 0.32 and 0.33, and this is 0.31.4.")
    assert ended.stderr.count("\n") == 1
