"""Rules that hold twice: in the API server as CEL, in Python for whatever was stored before the rule existed.

A rule is one sentence, one CEL expression and one predicate. The sentence is what `kubectl apply` prints, so it says
what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Rule:
    """One validation rule of the API.

    Attributes:
        cel: The expression that the API server evaluates; `self` is the value that carries the rule. None where the
            server refuses the same by other means.
        message: What the user reads when it does not hold.
        holds: The same condition in Python. None for a rule that compares with the stored object (`oldSelf`):
            only the API server sees both.
        field_path: The field that the API server names in the error, relative to the value, as in `.kvTiers`.
    """

    cel: str | None
    message: str
    holds: Callable[[Any], bool] | None
    field_path: str | None = None

    def check(self, value: Any) -> None:
        """Refuse a value for which the rule does not hold.

        Raises:
            ValueError: With the rule's message.
        """
        if self.holds is not None and not self.holds(value):
            raise ValueError(self.message)


def validations(rules: Iterable[Rule]) -> dict[str, list[dict[str, str]]]:
    """The rules as the API server takes them: x-kubernetes-validations, or nothing where there is none."""
    entries = [
        {"rule": rule.cel, "message": rule.message} | ({"fieldPath": rule.field_path} if rule.field_path else {})
        for rule in rules
        if rule.cel is not None
    ]
    return {"x-kubernetes-validations": entries} if entries else {}


class SpecPart(BaseModel):
    """A part of the spec: camelCase in JSON, immutable, unknown fields refused, its rules checked."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True)

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        # The API server prunes nulls before it fills in defaults; reading the same object must come to the same end.
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema that pydantic makes, with the rules beside it."""
        schema = handler.resolve_ref_schema(handler(core))
        return schema | validations(cls.rules)


def exactly_one(fields: tuple[str, ...], message: str) -> Rule:
    """A rule for a choice: one and only one of the (camelCase) fields is set.

    Args:
        fields: The names in JSON; each must be the camelCase of a Python field of the part.
        message: What to write.
    """
    listed = ", ".join(f"has(self.{field})" for field in fields)

    def holds(part: SpecPart) -> bool:
        aliases = {info.alias: name for name, info in type(part).model_fields.items()}
        return sum(getattr(part, aliases[field]) is not None for field in fields) == 1

    return Rule(f"[{listed}].exists_one(set, set)", message, holds)
