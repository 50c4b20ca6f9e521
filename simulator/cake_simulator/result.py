"""What came of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from cake_engine.config import LiveConfig
from cake_simulator.tally import Tally


@dataclass(frozen=True)
class Moment:
    """The fleet when the law looked at it."""

    at: float
    wanted: int
    ready: int
    in_flight: int
    ttft: float | None


@dataclass
class Result:
    """What came of a run.

    Attributes:
        tally: Of the requests.
        arrived: Requests that came.
        seconds: Until the last request ended.
        replica_hours: Of all pods from creation to end.
        moments: The fleet at each decision.
        turned: Live configurations that were written, and when.
        preemptions: Requests that gave up their seat.
        prefix_tokens: Of stored prefixes, by what became of them.
        tier_bytes: By tier: read, written.
        skipped_writes: Chunks that were not stored because too many waited.
        lost_loads: Chunks that were gone when their read's turn came.
    """

    tally: Tally
    arrived: int = 0
    seconds: float = 0.0
    replica_hours: float = 0.0
    moments: list[Moment] = field(default_factory=list)
    turned: list[tuple[float, LiveConfig]] = field(default_factory=list)
    preemptions: int = 0
    prefix_tokens: dict[str, int] = field(default_factory=lambda: {"computed": 0, "loaded": 0, "duplicated": 0})
    tier_bytes: dict[str, tuple[float, float]] = field(default_factory=dict)
    skipped_writes: int = 0
    lost_loads: int = 0

    @property
    def ends_turned(self) -> int:
        """How often the wanted number changed its direction."""
        steps = [b.wanted - a.wanted for a, b in pairwise(self.moments)]
        signs = [step > 0 for step in steps if step]
        return sum(a != b for a, b in pairwise(signs))
