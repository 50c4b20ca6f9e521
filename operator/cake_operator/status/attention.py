"""Whether Kubernetes has looked at a Deployment as it is now. Status waits for that, for a moment.

What can be said before is out of date some milliseconds later, and would be one more write for every change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

__all__ = ["PATIENCE", "is_overlooked", "overlooked_since"]

PATIENCE: Final = timedelta(seconds=1)
"""After this, that Kubernetes does not look is what status has to say."""


def is_overlooked(deployment: Mapping[str, Any] | None) -> bool:
    """Whether the status of a Deployment is of an older spec; one that is not there overlooks nobody."""
    if deployment is None:
        return False
    seen = (deployment.get("status") or {}).get("observedGeneration", 0)
    return bool(seen < deployment["metadata"].get("generation", 0))


def overlooked_since(before: datetime | None, deployment: Mapping[str, Any] | None, now: datetime) -> datetime | None:
    """Since when Kubernetes has not looked at the Deployment, as far as we have seen; None where it has.

    Args:
        before: What was said of it at the last look.
        deployment: The Deployment as it is.
        now: The moment.
    """
    return (before or now) if is_overlooked(deployment) else None
