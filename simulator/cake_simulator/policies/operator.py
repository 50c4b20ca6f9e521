"""The operator's own law, called as the operator calls it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cake_operator.api import ScalingSpec, SloSpec
from cake_operator.policy import scaling
from cake_operator.policy.desire import LAW, Law
from cake_operator.policy.scaling_history import ScalingHistory
from cake_simulator.policies.policy import Look

START = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment that second 0 stands for."""


@dataclass
class Operator:
    """`cake_operator.policy.scaling` with a CakeDeployment's spec.

    Attributes:
        scaling: Bounds and windows.
        slo: What was promised.
        law: The figures of the law.
        fixed: spec.replicas.
        reason: Of the newest decision.
    """

    scaling: ScalingSpec
    slo: SloSpec | None
    law: Law = LAW
    fixed: int | None = None
    reason: str = ""
    _history: ScalingHistory = field(default_factory=ScalingHistory)

    def replicas(self, look: Look) -> int:
        """The decision."""
        decision, self._history = scaling.decide(
            self.scaling,
            self.slo,
            fixed=self.fixed,
            snapshot=look.snapshot,
            history=self._history,
            current_replicas=look.current,
            ready_replicas=look.ready,
            now=START + timedelta(seconds=look.now),
            law=self.law,
        )
        self.reason = decision.reason
        return decision.value
