"""Lengths of time as users write them: 50ms, 15s, 1h30m, 30d."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar

from cake_operator.api.rules import Rule
from cake_operator.api.scalars import Scalar, matches

# Decimal: 75ms is exactly 0.075 s, a bound of vLLM's histogram, whatever binary fractions make of the product.
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_PIECE = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)"

LONGEST_SECONDS = 3650 * 86400
"""Ten years. Moments stay within the calendar, and seconds within the 32 bits of a Deployment's fields."""

_FORMAT = matches(f"({_PIECE})+", "a duration is a number and a unit (ms, s, m, h or d), as in 50ms, 15s or 72h")
_UNITS = ", ".join(f"'{unit}': {float(seconds)}" for unit, seconds in _SECONDS.items())
_BOUNDED = Rule(
    f"self.findAll(r'{_PIECE}').map(piece, double(piece.find('[0-9.]+')) * {{{_UNITS}}}[piece.find('[a-z]+')]).sum()"
    f" <= {LONGEST_SECONDS}.0",
    "a duration is 3650d at most: write a shorter one",
    lambda text: _seconds(text) <= LONGEST_SECONDS,
)


class Duration(Scalar):
    """A length of time, as in `300s` or `1h30m`; units are ms, s, m, h and d (24 hours)."""

    rules: ClassVar[tuple[Rule, ...]] = (_FORMAT, _BOUNDED)

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return float(_seconds(self))


class PositiveDuration(Duration):
    """A length of time above zero, as in `1s`; units are ms, s, m, h and d (24 hours)."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *Duration.rules,
        Rule(
            "self.matches('[1-9]')",
            "must be longer than zero, as in 50ms, 15s or 72h",
            lambda text: re.search("[1-9]", text) is not None,
        ),
    )


def _seconds(text: str) -> Decimal:
    pieces = re.findall(_PIECE, text)
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in pieces), Decimal(0))
