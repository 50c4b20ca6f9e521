"""What a step of the engine takes on a device, and how speeds change over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cake_engine.core.cost import Span


@dataclass(frozen=True)
class Pace:
    """Speed over time: a factor on all durations that changes at given moments.

    Attributes:
        changes: (from, factor) in order of time; the factor before the first is 1. A factor of 3 is three times slower.
    """

    changes: tuple[tuple[float, float], ...] = ()

    def finish(self, start: float, seconds: float) -> float:
        """When work that takes `seconds` at factor 1 is done, begun at `start`."""
        now, factor = start, 1.0
        for moment, changed in self.changes:
            if moment > now:
                if now + seconds * factor <= moment:
                    return now + seconds * factor
                seconds -= (moment - now) / factor
                now = moment
            factor = changed
        return now + seconds * factor


@dataclass(frozen=True)
class Device:
    """Seconds of a step.

    Attributes:
        base: Of a step with nothing in it: launches, and the weights' way through the device.
        token: Of a token at position 0.
        slope: That a token takes longer for each position.
        decode: Of each request that decodes in the step.
        context: Of each token whose KV a decoding request reads.
        quantum: Tokens are computed in multiples of this: larger than 1 makes a stepped curve.
        pace: How its speed changes.
    """

    base: float = 0.01
    token: float = 0.001
    slope: float = 0.0
    decode: float = 0.0
    context: float = 0.0
    quantum: int = 1
    pace: Pace = field(default_factory=Pace)

    def step(self, spans: Iterable[Span], decoding: int = 0, context: int = 0) -> float:
        """Seconds of one step at factor 1.

        Args:
            spans: Prefill in it.
            decoding: Requests that decode in it.
            context: Tokens that these have before them, all together.
        """
        tokens, attended = 0, 0.0
        for span in spans:
            tokens += span.tokens
            attended += span.attended
        whole = -(-tokens // self.quantum) * self.quantum
        return self.base + self.token * whole + self.slope * attended + self.decode * decoding + self.context * context

    def prefill(self, tokens: int, step_tokens: int) -> float:
        """Seconds at factor 1 to compute a prompt in full steps, alone."""
        return -(-tokens // step_tokens) * self.base + self.token * tokens + self.slope * tokens * tokens / 2
