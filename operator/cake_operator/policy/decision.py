"""A decision is a value: what, why, until when, and whether figures stood behind it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """What a policy decided. Logs, events, status and tests all print this.

    Attributes:
        value: What shall be. When not valid: what is held.
        reason: One sentence that names the figures behind it and their age.
        valid: False when figures were absent, stale or not a number, so that what is was held.
        until: When time alone may change it (a hold or a window that ends); the moment of the decision when only new
            figures can.
    """

    value: T
    reason: str
    valid: bool
    until: datetime

    def outcome(self, before: T | None) -> str:
        """What came of it, in one word for counting: changed, kept or held."""
        return "held" if not self.valid else "kept" if self.value == before else "changed"

    def __str__(self) -> str:
        return f"{self.value}: {self.reason}" if self.valid else f"held at {self.value}: {self.reason}"
