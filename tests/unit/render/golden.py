"""What each case is rendered into, as one YAML file a reviewer reads from top to bottom.

`python -m tests.unit.render.golden` writes the files anew; the difference is what to review.
"""

from pathlib import Path

import yaml

from cake_operator.api import CakeDeployment
from cake_operator.policy.knobs import starting_knobs
from cake_operator.render.children import render
from cake_operator.render.settings import RenderSettings
from cake_operator.render.tuning_config import live_config

FOLDER = Path(__file__).parent
CASES = sorted(path.stem for path in (FOLDER / "cases").glob("*.yaml"))
SETTINGS = RenderSettings(engine_image="registry.example/cake-engine:1")


def case(name: str) -> CakeDeployment:
    """The CakeDeployment of a case."""
    return CakeDeployment.model_validate(yaml.safe_load((FOLDER / "cases" / f"{name}.yaml").read_text()))


def rendered(name: str) -> str:
    """The children of a case as YAML."""
    cake = case(name)
    live = live_config(cake.spec.balance, starting_knobs(cake.spec.balance), generation=1)
    children = render(cake, cake.spec.replicas or 1, live, SETTINGS)
    return yaml.dump_all(children, Dumper=Readable, sort_keys=False, width=120)


def path(name: str) -> Path:
    """Where the expected children of a case are kept."""
    return FOLDER / "golden" / f"{name}.yaml"


class Readable(yaml.SafeDumper):
    """Files inside of ConfigMaps as blocks of text, and no references from one part of an object to another."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Readable.add_representer(str, _text)
Readable.add_multi_representer(str, _text)  # names, amounts and durations of the api are kinds of text

if __name__ == "__main__":
    for name in CASES:
        path(name).write_text(rendered(name))
