"""promtool, which comes with Prometheus: checks rule files and runs them on made-up series."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.localcluster.debian import program


def check(groups: list[dict[str, Any]], folder: Path) -> subprocess.CompletedProcess[str]:
    """Whether Prometheus would load the groups, and finds nothing to complain of."""
    return _promtool("check", "rules", "--lint-fatal", str(_written(folder / "rules.yml", {"groups": groups})))


def run(groups: list[dict[str, Any]], test: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Evaluate the groups every minute on the series of one test, and compare with what it expects."""
    _written(folder / "rules.yml", {"groups": groups})
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    return _promtool("test", "rules", str(_written(folder / "test.yml", document)))


def _written(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, check=False)
