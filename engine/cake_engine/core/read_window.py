"""How long the reads that a tier is given shall last: until the one after the next step, so that it never runs dry."""

from __future__ import annotations

from dataclasses import dataclass, field

from cake_engine.core.cost import ComputeCost

WINDOW_SECONDS = 0.25
"""Reads that a tier is given beyond those of two steps."""
FEWEST_READS = 8
"""Reads that a tier is given however slow it is, so that its threads have work."""


@dataclass
class ReadWindow:
    """Follows what steps take.

    Attributes:
        step_tokens: Token budget of a step.
    """

    step_tokens: int
    _step_seconds: float = field(default=0.0, init=False)

    def stepped(self, seconds: float) -> None:
        """A step took so long."""
        self._step_seconds = max(seconds, 0.9 * self._step_seconds)

    def seconds(self, compute: ComputeCost) -> float:
        """The window before the next step."""
        # The steps before were perhaps of decoding alone; the next one may be a whole one of prefill.
        whole = compute.seconds(0, self.step_tokens, self.step_tokens) or 0.0
        return WINDOW_SECONDS + 2 * max(self._step_seconds, whole)
