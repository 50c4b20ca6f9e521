"""Whether Kubernetes has looked at a Deployment as it is now. Status waits for that, for a while.

What can be said before is out of date some milliseconds later, and would be one more write for every change. On a busy
API server it is seconds later: the wait is as long as Kubernetes was found to need.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

__all__ = ["Attention", "is_overlooked", "overlooked_since"]

LEAST: Final = timedelta(seconds=1)
"""It is waited for so long where nothing is known, and where there is something to say that does not wait."""
MOST: Final = timedelta(seconds=30)
"""After this, that Kubernetes does not look is what status has to say, however slow it was before."""
MARGIN: Final = 2
"""Times what it usually took."""
FORGOTTEN: Final = 0.1
"""Share of what it usually took that one quicker look takes the place of; a slower one takes all of it."""


class Attention:
    """How long Kubernetes takes to look at Deployments, whichever they are."""

    def __init__(self) -> None:
        self._usual = timedelta(0)

    def took(self, length: timedelta) -> None:
        """Note how long it took with one, or has taken so far."""
        length = min(length, MOST)
        self._usual = max(length, self._usual + FORGOTTEN * (length - self._usual))

    def patience(self, *, urgent: bool) -> timedelta:
        """How long status waits for it.

        Args:
            urgent: Whether it has something to say that Kubernetes' look does not change.
        """
        return LEAST if urgent else min(max(LEAST, MARGIN * self._usual), MOST)


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
