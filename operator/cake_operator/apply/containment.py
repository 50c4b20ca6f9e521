"""Whether the cluster already has what is wanted: "desired is contained in live".

What live has beyond desired is somebody else's (defaults, injected sidecars, foreign annotations) and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from cake_operator.api.amounts import same_amount
from cake_operator.render.merging import MERGE_KEYS

__all__ = ["Difference", "differences"]

# Lists of objects that are told apart by a key, in addition to those of a pod template.
KEYS: Final[Mapping[str, str]] = {**MERGE_KEYS, "ownerReferences": "uid"}

# Under these, values are amounts, and the API server writes 1000m as 1.
AMOUNTS: Final = frozenset({"limits", "requests", "sizeLimit", "divisor"})


class Difference(NamedTuple):
    """One place where live lacks what is desired.

    Attributes:
        sentence: Where, and what is there and not, in words.
        found: What is there, whole.
    """

    sentence: str
    found: Any


def differences(desired: Any, live: Any) -> Iterator[Difference]:
    """The places where live lacks what is desired; none when live contains it.

    >>> [one.sentence for one in differences({"spec": {"replicas": 3}}, {"spec": {"replicas": 2, "paused": False}})]
    ['spec.replicas is 2, not 3']
    """
    return _differ(desired, live, "", "", amounts=False)


def _differ(desired: Any, live: Any, where: str, field: str, *, amounts: bool) -> Iterator[Difference]:
    if desired == live:
        return  # most of a rendered object, compared without a step into it
    if isinstance(desired, dict) and (isinstance(live, dict) or live is None):
        yield from _objects_differ(desired, live, where, amounts=amounts)
    elif isinstance(desired, list) and (isinstance(live, list) or live is None):
        yield from _lists_differ(desired, live or [], where, field, amounts=amounts)
    elif live is None and desired == "":
        return
    elif not (amounts and same_amount(desired, live)):
        yield Difference(f"{where} is {_shown(live)}, not {_shown(desired)}", live)


def _objects_differ(
    desired: dict[str, Any], live: dict[str, Any] | None, where: str, *, amounts: bool
) -> Iterator[Difference]:
    if live is None and not desired and where.endswith(".emptyDir"):
        # The API leaves out most empty objects. A volume of another kind, though, is another volume.
        yield Difference(f"{where} is missing", None)
    for key, value in desired.items():
        place = f"{where}.{key}" if where else key
        yield from _differ(value, (live or {}).get(key), place, key, amounts=amounts or key in AMOUNTS)


def _lists_differ(
    desired: list[Any], live: list[Any], where: str, field: str, *, amounts: bool
) -> Iterator[Difference]:
    key = KEYS.get(field)
    if key is None or any(not isinstance(one, dict) or key not in one for one in desired):
        if len(desired) != len(live):
            yield Difference(f"{where} has {len(live)} elements, not {len(desired)}", live)
            return
        pairs = [
            (f"{where}[{index}]", one, other) for index, (one, other) in enumerate(zip(desired, live, strict=True))
        ]
    else:
        by_key = {one[key]: one for one in live if isinstance(one, dict) and key in one}
        pairs = [(f"{where}[{one[key]}]", one, by_key.get(one[key])) for one in desired]
    for place, one, other in pairs:
        if other is None and one is not None:
            yield Difference(f"{place} is missing", None)
        else:
            yield from _differ(one, other, place, "", amounts=amounts)


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value) if len(repr(value)) < 80 else f"{repr(value)[:77]}..."
