"""Who turns the knobs while a deployment serves: the operator's own balance, called as the operator calls it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from cake_engine.config import LiveConfig
from cake_operator.api import BalanceSpec
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy import balance
from cake_operator.policy.balance_history import BalanceHistory
from cake_operator.policy.confirmation import confirmation
from cake_operator.policy.knobs import starting_knobs
from cake_operator.policy.tuning_law import TUNING_LAW, TuningLaw
from cake_operator.render.tuning_config import knobs_of, live_config, next_live
from cake_simulator.policies.operator import START


class Tuner(Protocol):
    """A law for the knobs: called in order of time."""

    def live(self, snapshot: DeploymentSnapshot, ready: Collection[str], now: float) -> LiveConfig:
        """The live configuration that there shall be.

        Args:
            snapshot: What was measured.
            ready: Names of the pods that are ready.
            now: Seconds since the start.
        """
        ...


@dataclass
class Balance:
    """`cake_operator.policy.balance` with a CakeDeployment's spec.

    Attributes:
        spec: Mode, tuning, knobs and bounds.
        tiers: Names of the tiers below memory.
        law: The figures of the law.
        reason: Of the newest decision.
    """

    spec: BalanceSpec
    tiers: Sequence[str]
    law: TuningLaw = TUNING_LAW
    reason: str = ""
    _live: LiveConfig | None = None
    _history: BalanceHistory = field(default_factory=BalanceHistory)

    def live(self, snapshot: DeploymentSnapshot, ready: Collection[str], now: float) -> LiveConfig:
        """The decision; what it asks for is written at once, and the pods take it over when they see it."""
        written = self._live or live_config(self.spec, starting_knobs(self.spec), 1)
        decision, self._history = balance.decide(
            self.spec,
            self.tiers,
            snapshot=snapshot,
            current=knobs_of(written),
            published=knobs_of(written),
            confirmation=confirmation(snapshot, ready, written.generation),
            history=self._history,
            now=START + timedelta(seconds=now),
            law=self.law,
        )
        self.reason = decision.reason
        self._live = next_live(self.spec, decision.value, written, written.generation)
        return self._live
