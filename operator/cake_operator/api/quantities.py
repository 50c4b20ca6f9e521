"""Amounts of bytes as Kubernetes writes them: 8Gi, 500M, 1073741824."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import ClassVar

from cake_operator.api.amounts import amount_of
from cake_operator.api.rules import Rule
from cake_operator.api.scalars import Scalar, matches

_MEBIBYTE, _EXBIBYTE = 2**20, 2**60

_FORMAT = matches(
    r"[0-9]+(\.[0-9]+)?([kMGTPE]|[KMGTPE]i)?",
    "an amount of bytes is a number and a unit, as in 512Mi, 8Gi or 1T (m would mean a thousandth of a byte)",
    subject="string(self)",
)


def is_amount(field: str) -> str:
    """The CEL expression for "this field is an amount": what is none, the rule of the format alone speaks of."""
    return f"isQuantity(string({field}))"


def amount(field: str) -> str:
    """The CEL expression for the amount in this field."""
    return f"quantity(string({field}))"


# Kubernetes counts bytes in 64 bits.
_BOUNDED = Rule(
    f"!{is_amount('self')} || {amount('self')}.compareTo(quantity('1Ei')) <= 0",
    "an amount of bytes is 1Ei at most: write less",
    lambda text: _amount(text) <= _EXBIBYTE,
)


class Quantity(Scalar):
    """An amount of bytes (or of bytes per second) above zero, as in `8Gi`."""

    int_or_string: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        _FORMAT,
        _BOUNDED,
        Rule(
            "string(self).matches('[1-9]')",
            "must be more than zero: leave the field out for no limit",
            lambda text: re.search("[1-9]", text) is not None,
        ),
    )

    @property
    def bytes(self) -> int:
        """The amount in bytes, rounded up to a whole one as Kubernetes does."""
        return int(_amount(self).to_integral_value(rounding=ROUND_CEILING))


class Capacity(Quantity):
    """The size of a tier: an amount of bytes of at least a mebibyte, as in `500Gi`."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _FORMAT,
        _BOUNDED,
        Rule(
            f"!{is_amount('self')} || {amount('self')}.compareTo(quantity('1Mi')) >= 0",
            "a tier below 1Mi holds no block: write its size with a unit, as in 8Gi",
            lambda text: _amount(text) >= _MEBIBYTE,
        ),
    )


def _amount(text: str) -> Decimal:
    amount = amount_of(text)
    if amount is None:
        raise ValueError(f"{text!r} is not an amount of bytes")
    return amount
