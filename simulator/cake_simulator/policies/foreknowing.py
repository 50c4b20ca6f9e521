"""An oracle: it knows the load to come, and asks for replicas a cold start before they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from cake_simulator.policies.policy import Look


@dataclass
class Foreknowing:
    """So many replicas for each unit of the load to come.

    Attributes:
        load: Of a moment, in any unit.
        replicas_per_load: What a unit of it needs.
        lead: Seconds from the wish until a replica is ready.
    """

    load: Callable[[float], float]
    replicas_per_load: float
    lead: float

    def replicas(self, look: Look) -> int:
        """What the most of the load between now and the end of a cold start needs."""
        moments = [look.now + self.lead * part / 8 for part in range(9)]
        return look.bounded(ceil(self.replicas_per_load * max(map(self.load, moments)) - 1e-9))
