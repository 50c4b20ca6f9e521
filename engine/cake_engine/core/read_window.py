"""How long the reads that a tier is given shall last: until the one after the next step, so that it never runs dry."""

from __future__ import annotations

from dataclasses import dataclass, field

from cake_engine.core.cost import ComputeCost
from cake_engine.core.plan_costs import Demand

WINDOW_SECONDS = 0.25
"""Reads that a tier is given beyond those of two steps."""
FEWEST_READS = 8
"""Reads that a tier is given however slow it is, so that its threads have work."""


@dataclass
class ReadWindow:
    """Follows what steps take.

    What is asked for cannot be put in another order any more, so it must not be more than two steps need.

    Attributes:
        step_tokens: Token budget of a step.
        deepest: The furthest token at which a request computes: its steps take longest.
    """

    step_tokens: int
    deepest: int = field(default=0, init=False)
    _step_seconds: float = field(default=0.0, init=False)

    def look(self, demand: Demand) -> None:
        """Take in who computes."""
        self.deepest = max((at for _, at, _ in demand.prefilling), default=0)

    def stepped(self, seconds: float) -> None:
        """A step took so long."""
        self._step_seconds = seconds

    def seconds(self, compute: ComputeCost) -> float:
        """The window before the next step."""
        # The steps before were perhaps of decoding alone, or of another prompt: the next one may be a whole one.
        whole = compute.seconds(self.deepest, self.deepest + self.step_tokens, self.step_tokens)
        return WINDOW_SECONDS + 2 * (self._step_seconds if whole is None else whole)
