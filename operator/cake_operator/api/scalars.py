"""Values with a unit that users write as text: the text is kept, its meaning is a property."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from cake_operator.api.rules import Rule, validations


class Scalar(str):
    """Text that follows its rules: made from a string (or a number, where the type allows one), or refused.

    Attributes:
        rules: What must hold; the first is the format.
        max_length: Characters at most. Bounded so that the API server can bound the cost of the rules.
        int_or_string: Whether a bare number may stand in YAML.
    """

    rules: ClassVar[tuple[Rule, ...]] = ()
    max_length: ClassVar[int] = 32
    int_or_string: ClassVar[bool] = False

    def __new__(cls, value: str | int) -> Self:
        """Read the text.

        Raises:
            ValueError: It breaks a rule; the message is the rule's.
        """
        if isinstance(value, bool) or not isinstance(value, str | int if cls.int_or_string else str):
            raise ValueError(f"must be text, not {value!r}")
        text = str(value)
        if len(text) > cls.max_length:
            raise ValueError(f"may not be longer than {cls.max_length} characters")
        for rule in cls.rules:
            rule.check(text)
        return super().__new__(cls, text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate by construction; serialise as the text."""
        return core_schema.no_info_plain_validator_function(cls, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string, or an int-or-string, with the rules."""
        kind = {"x-kubernetes-int-or-string": True} if cls.int_or_string else {"type": "string"}
        return {**kind, "maxLength": cls.max_length, **validations(cls.rules)}


def matches(pattern: str, message: str, *, subject: str = "self") -> Rule:
    """A rule that a text fully matches a regular expression (in the syntax that RE2 and Python share)."""
    compiled = re.compile(pattern)
    return Rule(f"{subject}.matches(r'^({pattern})$')", message, lambda text: compiled.fullmatch(text) is not None)
