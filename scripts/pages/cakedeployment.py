"""The API reference: the schema of CakeDeployment as Markdown, one table for each object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cake_operator.api.crd import custom_resource_definition
from cake_operator.api.structural import Schema

from .types import cell, type_of

_INTRODUCTION = """\
# CakeDeployment (cake.dev/v1alpha1)

Made from `operator/cake_operator/api` by `make generate`. A field without a default is optional unless it is marked
required. Units: `8Gi` is an amount of bytes, `300s` a duration (ms, s, m, h, d), `99%` a share.
"""


def page() -> str:
    """The page docs/reference/cakedeployment.md."""
    version = custom_resource_definition()["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    sections = [_INTRODUCTION, _refusals(schema)]
    for part in ("spec", "status"):
        sections += _sections(part, schema["properties"][part])
    return "\n".join(section for section in sections if section)


def _sections(path: str, schema: Schema) -> Iterator[str]:
    """One section for an object and each object inside it, depth first."""
    fields = schema["properties"]
    required = schema.get("required", [])
    rows = [_row(path, name, field, name in required) for name, field in fields.items()]
    yield f"## {path}\n\n{_text(schema)}\n"
    yield "| Field | Type | Default | Meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    yield _refusals(schema)
    for name, field in fields.items():
        inner, inner_path = _inside(f"{path}.{name}", field)
        if inner.get("properties"):
            yield from _sections(inner_path, inner)


def _inside(path: str, field: Schema) -> tuple[Schema, str]:
    """What a field holds, and where: the items of a list, the field itself otherwise."""
    return (field["items"], f"{path}[]") if field.get("type") == "array" else (field, path)


def _row(path: str, name: str, field: Schema, required: bool) -> str:
    inner, inner_path = _inside(f"{path}.{name}", field)
    meaning, kind = _text(field), type_of(field)
    default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
    if inner.get("properties"):
        # Its own section says the rest: rules, and for an object the defaults.
        default = default if field is not inner else ""
        kind = kind.replace("object", f"[object](#{re.sub('[^a-z]', '', inner_path.lower())})")
    else:
        meaning = " ".join([meaning, *(f"Refused otherwise: *{message}*." for message in _messages(field))])
    return f"| `{name}` | {kind} | {'required' if required else default} | {cell(meaning)} |"


def _refusals(schema: Schema) -> str:
    lines = [f"- {message}" for message in _messages(schema)]
    return "Refused with these words:\n\n" + "\n".join(lines) + "\n" if lines else ""


def _messages(schema: Schema) -> list[str]:
    return [rule["message"] for rule in schema.get("x-kubernetes-validations", [])]


def _text(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())
