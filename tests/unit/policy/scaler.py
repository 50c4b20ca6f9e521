"""A deployment that is looked at again and again."""

from dataclasses import dataclass, field

from cake_operator.api import ScalingSpec, SloSpec
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy import scaling
from cake_operator.policy.decision import Decision
from cake_operator.policy.scaling import ScalingHistory
from tests.unit.policy.figures import at


@dataclass
class Scaler:
    """A deployment whose wishes come true at once, unless told otherwise."""

    spec: ScalingSpec
    slo: SloSpec | None
    replicas: int
    history: ScalingHistory = field(default_factory=ScalingHistory)

    def decide(
        self, seconds: float, snapshot: DeploymentSnapshot, ready: int | None = None, fixed: int | None = None
    ) -> Decision[int]:
        decision, self.history = scaling.decide(
            self.spec,
            self.slo,
            fixed=fixed,
            snapshot=snapshot,
            history=self.history,
            current_replicas=self.replicas,
            ready_replicas=self.replicas if ready is None else ready,
            now=at(seconds),
        )
        return decision

    def follow(self, seconds: float, snapshot: DeploymentSnapshot, ready: int | None = None) -> int:
        self.replicas = self.decide(seconds, snapshot, ready).value
        return self.replicas
