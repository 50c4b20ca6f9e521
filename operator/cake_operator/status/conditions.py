"""Conditions as Kubernetes means them: one of each type, with the moment at which its status last changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cake_operator.status.settling import settled_sentence

__all__ = ["Condition", "ConditionType", "Truth", "merged", "timestamp"]


class ConditionType(StrEnum):
    """What a condition is about; in status in this order."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    SLO_MET = "SLOMet"
    METRICS_AVAILABLE = "MetricsAvailable"
    BALANCE_APPLIED = "BalanceApplied"
    TIER_DEGRADED = "TierDegraded"
    REPLICAS_CONTESTED = "ReplicasContested"


class Truth(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"

    @classmethod
    def of(cls, value: bool | None) -> Truth:
        """None is Unknown."""
        return cls.UNKNOWN if value is None else cls.TRUE if value else cls.FALSE


@dataclass(frozen=True, slots=True)
class Condition:
    """What holds now.

    Attributes:
        reason: One CamelCase word.
        message: A sentence for a person.
        measured: Whether the message tells of figures that move with every look; such a move alone is not written.
    """

    type: ConditionType
    status: Truth
    reason: str
    message: str
    measured: bool = False


def merged(
    previous: Sequence[Mapping[str, Any]], conditions: Iterable[Condition], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """The conditions for status; one whose status did not change keeps its time of transition.

    Args:
        previous: The conditions in status as it is.
        conditions: What holds now; a type that is left out is left out of status.
        generation: The generation of the spec that was looked at.
        now: The moment.
    """
    before = {one["type"]: one for one in previous}
    return [_entry(before.get(one.type), one, generation, now) for one in conditions]


def timestamp(moment: datetime) -> str:
    """A moment in UTC as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _entry(old: Mapping[str, Any] | None, new: Condition, generation: int, now: datetime) -> dict[str, Any]:
    # Somebody else may have written the old one, and left out what the schema lets be left out.
    old = old or {}
    since = old.get("lastTransitionTime") if old.get("status") == new.status else None
    settled = new.measured and (old.get("status"), old.get("reason")) == (new.status, new.reason)
    return {
        "type": str(new.type),
        "status": str(new.status),
        "reason": new.reason,
        "message": settled_sentence(old.get("message", ""), new.message) if settled else new.message,
        "observedGeneration": generation,
        "lastTransitionTime": since or timestamp(now),
    }
