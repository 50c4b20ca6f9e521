"""Lengths of time as users write them: 50ms, 15s, 1h30m, 30d."""

from __future__ import annotations

import re
from typing import ClassVar

from cake_operator.api.rules import Rule
from cake_operator.api.scalars import Scalar, matches

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")

_FORMAT = matches(
    r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+",
    "a duration is a number and a unit (ms, s, m, h or d), as in 50ms, 15s or 72h",
)


class Duration(Scalar):
    """A length of time, as in `300s` or `1h30m`; units are ms, s, m, h and d (24 hours)."""

    rules: ClassVar[tuple[Rule, ...]] = (_FORMAT,)

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(self))


class PositiveDuration(Duration):
    """A length of time above zero, as in `1s`; units are ms, s, m, h and d (24 hours)."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _FORMAT,
        Rule(
            "self.matches('[1-9]')",
            "must be longer than zero, as in 50ms, 15s or 72h",
            lambda text: re.search("[1-9]", text) is not None,
        ),
    )
