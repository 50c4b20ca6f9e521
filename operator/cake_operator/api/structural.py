"""A pydantic model as a structural schema: the dialect of JSON Schema that a CustomResourceDefinition takes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]

# Said by pydantic, not taken (or not wanted) by the API server. Unknown fields are pruned there, and refused by
# kubectl's strict validation, without additionalProperties: false.
_DROPPED = ("title", "$defs", "propertyNames")

# The order in which a reader wants to meet them; what is not named comes last.
_ORDER = ("description", "type", "default", "enum", "required", "properties", "items", "additionalProperties")


class _WholeDefaults(GenerateJsonSchema):
    """Writes a default object with all of its own defaults: the API server judges it by its rules as it stands."""

    def encode_default(self, dft: Any) -> Any:
        """A default as JSON."""
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_none=True)
        if isinstance(dft, list):
            return [self.encode_default(item) for item in dft]
        return super().encode_default(dft)


def structural_schema(model: type[BaseModel]) -> Schema:
    """The schema of a model without references, unions with null, titles or closed objects.

    Raises:
        ValueError: The model uses a union that no structural schema can say.
    """
    schema = model.model_json_schema(by_alias=True, schema_generator=_WholeDefaults)
    return _plain(schema, schema.get("$defs", {}))


def _plain(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _resolved(node, definitions)
    plain = {key: value for key, value in node.items() if key not in _DROPPED}
    if plain.get("additionalProperties") in (False, True):
        del plain["additionalProperties"]
    if plain.get("default", ...) is None:
        del plain["default"]
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    for bound in ("Minimum", "Maximum"):
        if f"exclusive{bound}" in plain:
            plain[bound.lower()] = plain[f"exclusive{bound}"]
            plain[f"exclusive{bound}"] = True
    for key in ("items", "additionalProperties"):
        if key in plain:
            plain[key] = _plain(plain[key], definitions)
    if "properties" in plain:
        plain["properties"] = {name: _plain(value, definitions) for name, value in plain["properties"].items()}
    return {key: plain[key] for key in sorted(plain, key=_rank)}


def _rank(key: str) -> int:
    return _ORDER.index(key) if key in _ORDER else len(_ORDER)


def _resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """The node with its reference, or its union with null, replaced by what it stands for; its own words win."""
    if "$ref" in node:
        own = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions) | own
    if "anyOf" in node:
        own = {key: value for key, value in node.items() if key != "anyOf"}
        choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        if len(choices) != 1:
            raise ValueError(f"a structural schema cannot say a union of {len(choices)} types: {choices}")
        return _resolved(choices[0], definitions) | own
    return node
