"""Always the same number."""

from __future__ import annotations

from dataclasses import dataclass

from cake_simulator.policies.policy import Look


@dataclass
class Static:
    """So many replicas."""

    number: int

    def replicas(self, look: Look) -> int:  # noqa: ARG002 - the interface of a law
        """The number."""
        return self.number
