"""Comparison of resource quantities, which the API server writes in a form of its own: 1000m as 1, 1024Mi as 1Gi."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

__all__ = ["is_more", "same_amount"]

_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+)|([KMGTPE]i|[numkMGTPE]?))")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def same_amount(one: Any, other: Any) -> bool:
    """Whether two values are the same quantity, however written; False when either is none."""
    left, right = _amount(one), _amount(other)
    return left is not None and left == right


def is_more(one: Any, other: Any) -> bool:
    """Whether `one` is a larger quantity than `other`; False when either is none."""
    left, right = _amount(one), _amount(other)
    return left is not None and right is not None and left > right


def _amount(value: Any) -> Decimal | None:
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        return None
    number, exponent, unit = found.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * 2 ** _BINARY[unit] if unit in _BINARY else Decimal(number).scaleb(_DECIMAL[unit])
