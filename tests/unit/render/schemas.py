"""What the oldest Kubernetes that the chart allows knows: its published JSON schemas, strict, as a package has them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

CHART = Path(__file__).parents[3] / "charts/cake-operator/Chart.yaml"


@cache
def oldest() -> str:
    """The version, such as 1.30."""
    found = re.match(r">=(\d+\.\d+)\.", yaml.safe_load(CHART.read_text())["kubeVersion"])
    assert found is not None
    return found[1]


def known(document: dict[str, Any]) -> bool:
    """Whether that version knows all of an object; raises ValidationError with the field that it does not."""
    return bool(kubernetes_validate.validate(document, oldest(), strict=True) == oldest())
