import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from cake_operator.api.crd import custom_resource_definition
from cake_operator.api.structural import structural_schema
from tests.unit.api.specs import REFUSED

ROOT = Path(__file__).parents[3]
GENERATE = ROOT / "scripts/generate"
VERSION = custom_resource_definition()["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, with its path."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


class Inner(BaseModel):
    """An inner object."""

    share: float = Field(default=0.5, gt=0, lt=1)


class Outer(BaseModel):
    """An outer object."""

    maybe: int | None = None
    inner: Inner = Field(default=Inner(), description="Said at the field.")
    many: list[Inner] = []
    by_name: dict[str, int] = {}


def test_a_model_becomes_a_schema_without_references_nulls_and_titles():
    share = {
        "type": "number",
        "default": 0.5,
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 1,
        "exclusiveMaximum": True,
    }
    inner = {"description": "An inner object.", "type": "object", "properties": {"share": share}}
    assert structural_schema(Outer) == {
        "description": "An outer object.",
        "type": "object",
        "properties": {
            "maybe": {"type": "integer"},
            "inner": inner | {"description": "Said at the field.", "default": {"share": 0.5}},
            "many": {"type": "array", "default": [], "items": inner},
            "by_name": {"type": "object", "default": {}, "additionalProperties": {"type": "integer"}},
        },
    }


def test_a_union_that_no_structural_schema_can_say_is_an_error():
    class Either(BaseModel):
        value: int | str

    with pytest.raises(ValueError, match="cannot say a union of 2 types"):
        structural_schema(Either)


@pytest.mark.parametrize("word", ["$ref", "anyOf", "allOf", "oneOf", "title", "const", "$defs", "null"])
def test_the_crd_is_free_of(word):
    assert not [path for path, node in nodes(SCHEMA) if word in node or node.get("type") == word]


def test_every_field_is_described():
    spoken_for_by_kubernetes = {".apiVersion", ".kind", ".metadata"}
    silent = {path for path, node in nodes(SCHEMA) if "description" not in node and not path.endswith("[]")}
    assert silent == spoken_for_by_kubernetes


def test_every_sentence_of_the_crd_is_asked_for_by_a_refused_case():
    needs_two_versions = ("cannot change once it is made", "a claim cannot shrink")
    asked = [case.sentence for case in REFUSED if case.ours]
    messages = {rule["message"] for _, node in nodes(SCHEMA) for rule in node.get("x-kubernetes-validations", [])}
    unasked = {message for message in messages if not any(sentence in message for sentence in asked)}
    assert {message for message in unasked if not any(part in message for part in needs_two_versions)} == set()


def test_tiers_are_merged_by_name():
    tiers = SCHEMA["properties"]["spec"]["properties"]["kvTiers"]
    assert tiers["x-kubernetes-list-type"] == "map"
    assert tiers["x-kubernetes-list-map-keys"] == ["name"]


def test_generated_files_are_fresh():
    done = subprocess.run([sys.executable, GENERATE, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_file_is_named_with_what_to_do(tmp_path):
    for source in ("benchmarks", "dashboards", "charts"):
        shutil.copytree(ROOT / source, tmp_path / source)
    copy = shutil.copytree(GENERATE.parent, tmp_path / "scripts") / "generate"
    done = subprocess.run([sys.executable, copy, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "crds/cakedeployments.cake.dev.yaml is stale: run `make generate`" in done.stderr
    subprocess.run([sys.executable, copy], check=True, capture_output=True)
    assert (tmp_path / "crds/cakedeployments.cake.dev.yaml").read_text() == (
        ROOT / "crds/cakedeployments.cake.dev.yaml"
    ).read_text()
