"""The reference of the chart's values: what stands above each in values.yaml, and its type in values.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .types import cell, type_of

CHART = Path(__file__).resolve().parents[2] / "charts/cake-operator"

_INTRODUCTION = """\
# The chart's values

Made from `charts/cake-operator/values.yaml` and its `values.schema.json` by `make generate`. A value that is misspelt,
or of another type, is refused by Helm with its name. Sets of values that fit together, each checked by a real API
server, are in the chart's folder `ci`, beside [the least](../../charts/cake-operator/ci/defaults-values.yaml).
"""


@dataclass(frozen=True)
class Value:
    """One value of the chart.

    Attributes:
        name: With those above it, such as ``image.tag``.
        meaning: The comment above it, as one line.
        default: As values.yaml has it.
    """

    name: str
    meaning: str
    default: Any


class UndescribedError(ValueError):
    """A value without a comment above it; the text says where, and what to do."""


def page() -> str:
    """The page docs/reference/chart-values.md.

    Raises:
        UndescribedError: A value has no comment.
    """
    schema = json.loads((CHART / "values.schema.json").read_text())
    rows = [_row(value, schema) for value in values((CHART / "values.yaml").read_text())]
    return "\n".join([_INTRODUCTION, "| Value | Type | Default | Meaning |", "| --- | --- | --- | --- |", *rows, ""])


def values(text: str) -> Iterator[Value]:
    """The values of a values.yaml, in its order.

    A mapping of which some key has a comment is gone into; one of which none has is a value itself.

    Raises:
        UndescribedError: A value has no comment.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise UndescribedError("values.yaml: write a mapping of values")
    yield from _inside(root, yaml.safe_load(text), "", text.splitlines())


def _inside(mapping: yaml.MappingNode, defaults: dict[str, Any], above: str, lines: list[str]) -> Iterator[Value]:
    for key, node in mapping.value:
        name, line, default = above + key.value, key.start_mark.line, defaults[key.value]
        if isinstance(node, yaml.MappingNode) and _is_gone_into(node, lines):
            yield from _inside(node, default, f"{name}.", lines)
        elif meaning := _comment(lines, line):
            yield Value(name, meaning, default)
        else:
            raise UndescribedError(f"values.yaml, line {line + 1}: say what {name} is in a comment above it")


def _is_gone_into(node: yaml.MappingNode, lines: list[str]) -> bool:
    """A mapping on one line has no room for comments: what is above it is its own."""
    return not node.flow_style and any(_comment(lines, key.start_mark.line) for key, _ in node.value)


def _comment(lines: list[str], line: int) -> str:
    """What the lines right above one say, if they are comments as deep as it is."""
    mark = " " * (len(lines[line]) - len(lines[line].lstrip())) + "#"
    found: list[str] = []
    while line > 0 and lines[line - 1].startswith(mark):
        line -= 1
        found.insert(0, lines[line].removeprefix(mark).strip())
    return " ".join(found)


def _row(value: Value, schema: dict[str, Any]) -> str:
    field = schema
    for part in value.name.split("."):
        field = field["properties"][part]
        field = schema["definitions"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
    default = f"`{json.dumps(value.default)}`"
    return f"| `{value.name}` | {cell(type_of(field))} | {cell(default)} | {cell(value.meaning)} |"
