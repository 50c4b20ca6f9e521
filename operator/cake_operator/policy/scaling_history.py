"""What the scaling policy remembers between decisions. It may be lost: then nothing shrinks for one window."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cake_operator.policy.offered import Offered
from cake_operator.policy.stabilization import Recommendation

MISS_KEPT = timedelta(hours=1)
"""For how long a number of replicas that missed the SLO is not tried again under the same load."""
SHRINK_KEPT = timedelta(minutes=10)
"""For how long after a shrinking the number before it is known to be enough for the same load."""
SAME_LOAD = 0.8
"""Share of the load of a miss from which a load counts as no lower."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A number of replicas that ran, and the tokens per second that it served."""

    at: datetime
    replicas: int
    tokens: float


@dataclass(frozen=True, slots=True)
class ScalingHistory:
    """Memory of one deployment's scaling.

    Attributes:
        recommendations: What was wished for within the stabilisation windows, oldest first.
        most_ready: The most that were ready together of those that are asked for; None before the first decision.
        grew_at: When that number last rose; None when it has not. A pod that is ready again is no growth: one that
            comes and goes would hold the next growth for ever.
        stalled_since: Since when requests wait and none gets a first token; None when that is not so.
        misses: The newest miss of the SLO by each number of replicas.
        shrunk: What ran before the last shrinking; None when that is long ago.
        offered: The load at the looks that still count, oldest first.
    """

    recommendations: tuple[Recommendation, ...] = ()
    most_ready: int | None = None
    grew_at: datetime | None = None
    stalled_since: datetime | None = None
    misses: tuple[Tried, ...] = ()
    shrunk: Tried | None = None
    offered: tuple[Offered, ...] = ()

    def seen(self, current: int, ready: int, stalled: bool | None, now: datetime) -> "ScalingHistory":
        """The memory after a look at the fleet.

        Args:
            current: Replicas that are asked for.
            ready: How many of them are ready.
            stalled: Whether requests wait and none gets a first token; None when that is not known, and stays as it
                was.
            now: When this is.
        """
        before = ready if self.most_ready is None else min(self.most_ready, current)
        since = self.stalled_since if stalled is None else (self.stalled_since or now) if stalled else None
        return replace(
            self,
            most_ready=max(before, ready),
            grew_at=now if ready > before else self.grew_at,
            stalled_since=since,
            misses=tuple(m for m in self.misses if now - m.at < MISS_KEPT),
            shrunk=self.shrunk if self.shrunk is not None and now - self.shrunk.at < SHRINK_KEPT else None,
        )

    def missed(self, miss: Tried) -> "ScalingHistory":
        """The memory after a miss. One without a token served says nothing of the load that is too much."""
        if not miss.tokens:
            return self
        return replace(self, misses=(*(m for m in self.misses if m.replicas != miss.replicas), miss))

    def contradicting(self, fewer: int, ready: int, tokens: float) -> Tried | None:
        """The largest miss that speaks against fewer replicas than are ready under this load; None when none does."""
        tried = (m for m in self.misses if fewer <= m.replicas < ready)
        against = [m for m in tried if tokens >= SAME_LOAD * m.tokens]
        return max(against, key=lambda m: m.replicas, default=None)

    def enough(self, more: int, ready: int, tokens: float) -> Tried | None:
        """What ran before the last shrinking, if that is fewer than are wished for and the load is no higher."""
        before = self.shrunk
        if before is None or not ready < before.replicas < more or SAME_LOAD * tokens > before.tokens:
            return None
        return before
