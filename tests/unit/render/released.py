"""The pod template of each case as the last release renders it: an upgrade to another one restarts the pods.

`python -m tests.unit.render.released` takes it down anew, when a release is made; before the first one, at any time.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from tests.unit.render.golden import CASES, path

RELEASED = Path(__file__).parent / "released.yaml"


def pods(name: str) -> str:
    """A hash of the pod template in the golden file of a case."""
    children: list[dict[str, Any]] = list(yaml.safe_load_all(path(name).read_text()))
    (template,) = (one["spec"]["template"] for one in children if one["kind"] == "Deployment")
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()


def released() -> dict[str, str]:
    """The same as it was with the last release, by case."""
    return dict(yaml.safe_load(RELEASED.read_text()))


if __name__ == "__main__":
    RELEASED.write_text(yaml.safe_dump({name: pods(name) for name in CASES}))
