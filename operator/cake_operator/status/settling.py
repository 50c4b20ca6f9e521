"""Keeps status still: what says the same as before is not written again.

Figures move with every look. A status that followed each of them would be written for every CakeDeployment at every
interval, and would tell nobody more.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["settled_figure", "settled_fraction", "settled_sentence"]

_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
RELATIVE_STEP: Final = 0.1
FRACTION_STEP: Final = 0.1


def settled_sentence(old: str, new: str) -> str:
    """`old` where `new` differs from it in figures only.

    >>> settled_sentence("held: TTFT is 0.41 s", "held: TTFT is 0.43 s")
    'held: TTFT is 0.41 s'
    """
    return old if _NUMBER.sub("#", old) == _NUMBER.sub("#", new) else new


def settled_figure(old: str | None, new: float | None) -> str | None:
    """Seconds as status shows them: `old` while `new` is within a tenth of it, else `new` to two digits.

    >>> settled_figure("0.42s", 0.43)
    '0.42s'
    >>> settled_figure(None, 0.0312)
    '31ms'
    """
    if new is None:
        return None
    was = _seconds(old)
    if old is not None and was is not None and abs(new - was) <= RELATIVE_STEP * was:
        return old
    return f"{float(f'{new * 1000:.2g}'):g}ms" if new < 0.1 else f"{float(f'{new:.2g}'):g}s"


def settled_fraction(old: float | None, new: float | None) -> float | None:
    """A fraction as status shows it: `old` while `new` is within a tenth of the whole, else `new` to two digits.

    >>> settled_fraction(0.42, 0.5), settled_fraction(0.42, 0.536)
    (0.42, 0.54)
    """
    if new is None:
        return None
    return old if old is not None and abs(new - old) <= FRACTION_STEP else round(new, 2)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    number = _NUMBER.match(text)
    return None if number is None else float(number[0]) * (0.001 if text.endswith("ms") else 1.0)
