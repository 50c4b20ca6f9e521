"""What happened to a CakeDeployment between one status and the next: what its Events tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cake_operator.status.conditions import ConditionType

__all__ = ["Happening", "happenings"]

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """One change that a person may want to know of later.

    Attributes:
        reason: One CamelCase word.
        message: A sentence.
        warning: Whether something is wrong.
    """

    reason: str
    message: str
    warning: bool = False


def happenings(before: Status, after: Status) -> list[Happening]:
    """What changed; of a CakeDeployment without a status only what is wrong: that it is new is no news.

    Figures that move are no happenings, and neither is a sentence that changed where nothing else did.
    """
    return [
        *_scaled(before, after),
        *_tuned(before, after),
        *_rolled_out(before, after),
        *_serving(before, after),
        *_turned_true(before, after, ConditionType.REPLICAS_CONTESTED),
        *_turned_true(before, after, ConditionType.TIER_DEGRADED),
    ]


def _scaled(before: Status, after: Status) -> Iterator[Happening]:
    old, new = before.get("scaling") or {}, after.get("scaling") or {}
    was, now = old.get("desiredReplicas"), new.get("desiredReplicas")
    if None not in (was, now) and was != now:
        yield Happening("Scaled", f"from {was} to {now} replicas: {new.get('reason', '')}")


def _tuned(before: Status, after: Status) -> Iterator[Happening]:
    old, new = before.get("balance") or {}, after.get("balance") or {}
    if not old:
        return
    generation, confirmed = new.get("generation"), new.get("confirmedGeneration")
    if old.get("mode") != new.get("mode"):
        yield Happening("ModeChanged", f"from {old.get('mode')} to {new.get('mode')}, as generation {generation}")
    elif old.get("generation") != generation:
        yield Happening("KnobsChanged", f"generation {generation}: {new.get('reason', '')}")
    if confirmed == generation and confirmed != old.get("confirmedGeneration"):
        yield Happening("KnobsConfirmed", f"every ready pod runs with generation {generation}")


def _rolled_out(before: Status, after: Status) -> Iterator[Happening]:
    old, new = (_condition(status, ConditionType.PROGRESSING) for status in (before, after))
    if new.get("status") != "False" or new.get("reason") == old.get("reason"):
        return
    if new["reason"] != "Complete":
        yield Happening(new["reason"], new["message"], warning=True)
    elif old:
        yield Happening("RolledOut", new["message"])


def _serving(before: Status, after: Status) -> Iterator[Happening]:
    old, new = (_condition(status, ConditionType.READY) for status in (before, after))
    if old.get("status") == "True" and new.get("status") == "False":
        yield Happening("NotServing", new["message"], warning=new["reason"] != "ScaledToZero")


def _turned_true(before: Status, after: Status, kind: ConditionType) -> Iterator[Happening]:
    """A condition that is True when something is wrong: that it became so, or for another reason."""
    old, new = (_condition(status, kind) for status in (before, after))
    if new.get("status") == "True" and (old.get("status"), old.get("reason")) != ("True", new["reason"]):
        yield Happening(new["reason"], new["message"], warning=True)


def _condition(status: Status, kind: ConditionType) -> Mapping[str, Any]:
    return next((one for one in status.get("conditions") or () if one["type"] == kind), {})
