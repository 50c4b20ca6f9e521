"""The type of a field as a reader wants it: from the schema of a CRD, or of a chart's values."""

from __future__ import annotations

import json
from typing import Any


def type_of(field: dict[str, Any]) -> str:
    """What a reader needs of the type: choices, bounds, what is inside."""
    if "enum" in field:
        return " or ".join(f"`{_written(choice)}`" for choice in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"list of {type_of(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map of {type_of(field['additionalProperties'])}"
    low, high = field.get("minimum"), field.get("maximum")
    if low is None and high is None:
        return kind
    return f"{kind}, {low} to {high}" if high is not None else f"{kind}, at least {low}"


def cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    return text.replace("|", "\\|")


def _written(choice: object) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)
