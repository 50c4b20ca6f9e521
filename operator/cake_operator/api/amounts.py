"""Resource quantities as numbers. The API server writes them in a form of its own: 1000m as 1, 1024Mi as 1Gi."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

__all__ = ["amount_of", "is_more", "same_amount", "shown"]

_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+)|([KMGTPE]i|[numkMGTPE]?))")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def same_amount(one: Any, other: Any) -> bool:
    """Whether two values are the same quantity, however written; False when either is none."""
    left, right = amount_of(one), amount_of(other)
    return left is not None and left == right


def is_more(one: Any, other: Any) -> bool:
    """Whether `one` is a larger quantity than `other`; False when either is none."""
    left, right = amount_of(one), amount_of(other)
    return left is not None and right is not None and left > right


def shown(amount: Decimal | float) -> str:
    """Bytes as a user writes them, to three digits.

    >>> shown(100 * 2**30), shown(1500 * 2**20), shown(700)
    ('100Gi', '1.46Gi', '700')
    """
    unit = next((unit for unit in reversed(_BINARY) if amount >= 2 ** _BINARY[unit]), None)
    return f"{float(amount):g}" if unit is None else f"{float(amount) / 2 ** _BINARY[unit]:.3g}{unit}"


def amount_of(value: Any) -> Decimal | None:
    """The number that a quantity stands for; None where the value is none.

    >>> amount_of("1Ki"), amount_of("1500m"), amount_of("many")
    (Decimal('1024'), Decimal('1.500'), None)
    """
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        return None
    number, exponent, unit = found.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * 2 ** _BINARY[unit] if unit in _BINARY else Decimal(number).scaleb(_DECIMAL[unit])
