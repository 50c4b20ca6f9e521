"""Looks that changed nothing: while what one of them went by is so, another would change nothing either.

Everything is looked at every few seconds, whether or not somebody told of it. A look goes by what it read of the cache,
by the figures, by what is remembered, and by the time; of these only the time is sure to be another at the next look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cake_operator.apply.cache import Key
from cake_operator.apply.reads import Reads
from cake_operator.observe.snapshot import DeploymentSnapshot, FleetSnapshot

__all__ = ["LONGEST", "Outcomes", "Quiet", "QuietLooks"]

Outcomes = tuple[tuple[str, str], ...]
"""What came of decisions, each with its kind."""

LONGEST: Final = timedelta(minutes=5)
"""After this everything is looked at in full all the same, so that an error in this reasoning cannot last."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """What a look that changed nothing went by.

    Attributes:
        at: When it was.
        reads: What it read of the cluster.
        snapshot: The figures of the CakeDeployment.
        error: Why there were none.
        outcomes: What came of its decisions, to be counted at each look.
        until: When time alone may decide otherwise; None where only something new can.
    """

    at: datetime
    reads: Reads
    snapshot: DeploymentSnapshot
    error: str | None
    outcomes: Outcomes
    until: datetime | None

    def holds(self, snapshot: DeploymentSnapshot, error: str | None, now: datetime) -> bool:
        """Whether a look now would find, decide and do the same."""
        if now >= self.at + LONGEST or (self.until is not None and now >= self.until):
            return False
        return error == self.error and snapshot == self.snapshot and self.reads.same()


class QuietLooks:
    """The last look at each CakeDeployment, where it changed nothing."""

    def __init__(self) -> None:
        self._last: dict[Key, Quiet] = {}

    def standing(self, key: Key, fleet: FleetSnapshot, now: datetime) -> Quiet | None:
        """The last look, where it holds; one that does not is given up."""
        last = self._last.get(key)
        if last is not None and last.holds(fleet.of(*key), fleet.error, now):
            return last
        self._last.pop(key, None)
        return None

    def note(self, key: Key, look: Quiet) -> None:
        """Keep a look that wrote nothing, and after which as much is remembered as before."""
        self._last[key] = look
