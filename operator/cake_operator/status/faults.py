"""What is wrong with a stored resource, as one sentence."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["sentence_of"]


def sentence_of(error: ValidationError) -> str:
    """Every fault: where it is, and what to write."""
    faults = "; ".join(f"{_place(one['loc'])}: {_what(one)}" for one in error.errors(include_url=False))
    return f"This CakeDeployment cannot be read ({faults}). What runs is left as it is until the spec is mended."


def _place(location: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).lstrip(".") or "the resource"


def _what(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "not a field of this version of the operator; remove it, or upgrade the operator"
        case "missing":
            return "must be written"
    # Without what pydantic puts before the sentences of our own rules.
    return error["msg"].removeprefix("Value error, ")
