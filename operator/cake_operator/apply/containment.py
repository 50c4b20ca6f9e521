"""Whether the cluster already has what is wanted: "desired is contained in live".

What live has beyond desired is somebody else's (defaults, injected sidecars, foreign annotations) and is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cake_operator.apply.amounts import is_more, same_amount
from cake_operator.render.merging import MERGE_KEYS

__all__ = ["first_difference"]

# Lists of objects that are told apart by a key, in addition to those of a pod template.
KEYS: Final[Mapping[str, str]] = {**MERGE_KEYS, "ownerReferences": "uid"}

# Under these, values are amounts, and the API server writes 1000m as 1.
AMOUNTS: Final = frozenset({"limits", "requests", "sizeLimit", "divisor"})

# A claim grows and never shrinks: one that somebody made larger than asked for is as it should be.
STORAGE: Final = "storage"


def first_difference(desired: Any, live: Any) -> str | None:
    """The first place where live lacks what is desired, in words; None when live contains it.

    >>> first_difference({"spec": {"replicas": 3}}, {"spec": {"replicas": 2, "paused": False}})
    'spec.replicas is 2, not 3'
    """
    return _differs(desired, live, "", "", amounts=False)


def _differs(desired: Any, live: Any, where: str, field: str, *, amounts: bool) -> str | None:
    if isinstance(desired, dict) and (isinstance(live, dict) or live is None):
        return _objects_differ(desired, live, where, amounts=amounts)
    if isinstance(desired, list) and (isinstance(live, list) or live is None):
        return _lists_differ(desired, live or [], where, field, amounts=amounts)
    if desired == live or (live is None and desired in ("", None)):
        return None
    if amounts and (same_amount(desired, live) or (field == STORAGE and is_more(live, desired))):
        return None
    return f"{where} is {_shown(live)}, not {_shown(desired)}"


def _objects_differ(desired: dict[str, Any], live: dict[str, Any] | None, where: str, *, amounts: bool) -> str | None:
    if live is None and not desired:
        # The API leaves out most empty objects. A volume of another kind, though, is another volume.
        return f"{where} is missing" if where.endswith(".emptyDir") else None
    for key, value in desired.items():
        place = f"{where}.{key}" if where else key
        found = _differs(value, (live or {}).get(key), place, key, amounts=amounts or key in AMOUNTS)
        if found is not None:
            return found
    return None


def _lists_differ(desired: list[Any], live: list[Any], where: str, field: str, *, amounts: bool) -> str | None:
    key = KEYS.get(field)
    if key is None or any(not isinstance(one, dict) or key not in one for one in desired):
        if len(desired) != len(live):
            return f"{where} has {len(live)} elements, not {len(desired)}"
        pairs = [
            (f"{where}[{index}]", one, other) for index, (one, other) in enumerate(zip(desired, live, strict=True))
        ]
    else:
        by_key = {one[key]: one for one in live if isinstance(one, dict) and key in one}
        pairs = [(f"{where}[{one[key]}]", one, by_key.get(one[key])) for one in desired]
    for place, one, other in pairs:
        if other is None and one is not None:
            return f"{place} is missing"
        if (found := _differs(one, other, place, "", amounts=amounts)) is not None:
            return found
    return None


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value) if len(repr(value)) < 80 else f"{repr(value)[:77]}..."
