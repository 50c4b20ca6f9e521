"""The API reference: the schema of CakeDeployment as Markdown, one table for each object."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cake_operator.api.crd import custom_resource_definition
from cake_operator.api.structural import Schema

_INTRODUCTION = """\
# CakeDeployment (cake.dev/v1alpha1)

Made from `operator/cake_operator/api` by `make generate`. A field without a default is optional unless it is marked
required. Units: `8Gi` is an amount of bytes, `300s` a duration (ms, s, m, h, d), `99%` a share.
"""


def cakedeployment_reference() -> str:
    """The page docs/reference/cakedeployment.md."""
    version = custom_resource_definition()["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    sections = [_INTRODUCTION, _rules(schema, level="##", title="Rules of the object")]
    for part in ("spec", "status"):
        sections += _sections(part, schema["properties"][part])
    return "\n".join(section for section in sections if section)


def _sections(path: str, schema: Schema) -> Iterator[str]:
    """One section for an object and each object inside it, depth first."""
    fields = schema["properties"]
    required = schema.get("required", [])
    rows = [_row(name, field, name in required) for name, field in fields.items()]
    yield f"## {path}\n\n{_text(schema)}\n"
    yield "| Field | Type | Default | Meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    yield _rules(schema, level="###", title=f"Rules of {path}")
    for name, field in fields.items():
        inner, suffix = (field["items"], "[]") if field.get("type") == "array" else (field, "")
        if inner.get("properties"):
            yield from _sections(f"{path}.{name}{suffix}", inner)


def _row(name: str, field: Schema, required: bool) -> str:
    # The default of an object with fields is what its fields default to: their own section says it.
    spoken = "default" in field and not field.get("properties")
    default = "required" if required else f"`{json.dumps(field['default'])}`" if spoken else ""
    notes = [rule["message"] for rule in field.get("x-kubernetes-validations", [])]
    meaning = " ".join([_text(field), *(f"*{_sentence(note)}*" for note in notes)])
    return f"| `{name}` | {_type(field)} | {default} | {_cell(meaning)} |"


def _type(field: Schema) -> str:
    """What a reader needs of the type: choices, bounds, what is inside."""
    if "enum" in field:
        return " or ".join(f"`{choice}`" for choice in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map of {_type(field['additionalProperties'])}"
    low, high = field.get("minimum"), field.get("maximum")
    if low is None and high is None:
        return kind
    return f"{kind}, {low} to {high}" if high is not None else f"{kind}, at least {low}"


def _rules(schema: Schema, level: str, title: str) -> str:
    rules = schema.get("x-kubernetes-validations", [])
    if not rules:
        return ""
    lines = [f"- {_sentence(rule['message'])}" for rule in rules]
    return f"{level} {title}\n\n" + "\n".join(lines) + "\n"


def _text(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").strip()
