"""The version after this one, as it might be: a field with a default more in the CRD, a label more on what it makes.

It is this checkout's operator and chart, copied and edited, and its CRD is made from its own code.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[2]
CRD = "files/crds/cakedeployments.cake.dev.yaml"
FIELD = "warmUp"
"""In spec.engine; true by default."""
LABEL = "cake.dev/since"
"""On all children, and not on pods."""

EDITS = {
    "api/engine.py": (
        "    args: Annotated[",
        '    warm_up: bool = Field(default=True, description="Whether it tries a prompt first.")\n    args: Annotated[',
    ),
    "render/naming.py": (
        "labels_of(resource.metadata.name),",
        f'{{**labels_of(resource.metadata.name), "{LABEL}": "next"}},',
    ),
}
"""By file of the package: a text that is there once, and what takes its place."""


@dataclass(frozen=True)
class NextVersion:
    """Where it is.

    Attributes:
        chart: Its chart.
        variables: With these a Python takes its code for the operator's.
    """

    chart: Path
    variables: dict[str, str]


def next_version(folder: Path) -> NextVersion:
    """Make it in a folder."""
    code, chart = folder / "operator", folder / "cake-operator"
    shutil.copytree(CHECKOUT / "operator", code, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "charts/cake-operator", chart)
    for file, (line, becomes) in EDITS.items():
        path = code / "cake_operator" / file
        text = path.read_text()
        assert text.count(line) == 1, f"{file} has {line!r} once"
        path.write_text(text.replace(line, becomes))
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, (str(code), os.environ.get("PYTHONPATH"))))}
    made = "import json; from cake_operator.api.crd import custom_resource_definition as crd; print(json.dumps(crd()))"
    environment = os.environ | variables
    answer = subprocess.run(
        [sys.executable, "-c", made], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    assert FIELD in answer.stdout, "it is the edited code that was asked"
    (chart / CRD).write_text(yaml.safe_dump(json.loads(answer.stdout), sort_keys=False))
    about = chart / "Chart.yaml"
    about.write_text(about.read_text().replace("ersion: 0.1.0", "ersion: 0.2.0"))
    return NextVersion(chart, variables)
