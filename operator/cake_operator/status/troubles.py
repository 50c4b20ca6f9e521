"""Something that keeps a CakeDeployment from serving, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Trouble"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong.

    Attributes:
        reason: One CamelCase word, as conditions have it.
        message: A sentence: where, what, and what to do where that can be told.
    """

    reason: str
    message: str
