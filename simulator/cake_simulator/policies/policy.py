"""What a scaling law sees, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cake_operator.observe.snapshot import ABSENT, DeploymentSnapshot, Figure


@dataclass(frozen=True)
class Look:
    """The fleet at one moment, as far as a law may know it.

    Attributes:
        now: Seconds since the start.
        snapshot: What was measured.
        current: Replicas that are asked for.
        ready: How many of them are ready.
        fewest: The least that the user allows.
        most: The most.
        tokens_to_come: Tokens of prompts that are neither computed nor loaded, of all pods: a gateway may know them.
    """

    now: float
    snapshot: DeploymentSnapshot
    current: int
    ready: int
    fewest: int
    most: int
    tokens_to_come: Figure = ABSENT

    def bounded(self, replicas: int) -> int:
        """Within what the user allows."""
        return min(max(replicas, self.fewest), self.most)


class ScalingPolicy(Protocol):
    """A law: called in order of time."""

    def replicas(self, look: Look) -> int:
        """How many replicas there shall be."""
        ...
