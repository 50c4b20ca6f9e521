"""The scrape configuration that the documentation gives is the one that the demo runs."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def relabeling(config: str) -> list[dict[str, Any]]:
    (job,) = yaml.safe_load(config)["scrape_configs"]
    rules: list[dict[str, Any]] = job["relabel_configs"]
    return rules


def test_the_documented_scrape_configuration_is_the_one_that_the_demo_runs() -> None:
    page = (ROOT / "docs/how-to/prometheus.md").read_text()
    (documented,) = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    manifests = yaml.safe_load_all((ROOT / "demo/manifests/prometheus.yaml").read_text())
    (run,) = (m["data"]["prometheus.yml"] for m in manifests if m["kind"] == "ConfigMap")
    assert relabeling(documented) == relabeling(run)
