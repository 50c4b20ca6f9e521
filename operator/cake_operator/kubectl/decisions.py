"""What was decided about a CakeDeployment, from its Events. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cake_operator.kubectl.summary import Object

__all__ = ["decisions"]


def decisions(events: Sequence[Object]) -> list[dict[str, Any]]:
    """The Events of one CakeDeployment, oldest first, each with when it last happened and how often.

    The API server forgets Events after an hour, unless it is told otherwise.
    """
    found = [
        {
            "at": event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"),
            "count": event.get("count") or 1,
            "reason": event.get("reason", ""),
            "message": event.get("message", ""),
            "warning": event.get("type") == "Warning",
        }
        for event in events
    ]
    return sorted(found, key=lambda one: str(one["at"]))
