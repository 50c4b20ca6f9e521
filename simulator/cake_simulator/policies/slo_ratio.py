"""llm-d's SLO-aware law: the TTFT percentile over its target, through an HPA with a dead band.

As its guide gives it: the ratio is clamped at 2 and smoothed over 45 s; above 0.55 the fleet grows in proportion, below
0.40 it shrinks; up by the larger of double and four pods in 60 s, down by one pod in 120 s. Its credit for requests in
flight is left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil, isfinite

from cake_simulator.policies.policy import Look

CLAMP = 2.0
SMOOTHING_SECONDS = 45.0
UP_SECONDS, DOWN_SECONDS = 60.0, 120.0
UP_PODS = 4


@dataclass
class SloRatio:
    """The law.

    Attributes:
        target: Seconds of TTFT.
        up: Ratio above which the fleet grows, and to which it is brought.
        down: Ratio below which it shrinks.
    """

    target: float
    up: float = 0.55
    down: float = 0.40
    _ratios: deque[tuple[float, float]] = field(default_factory=deque)
    _grew_at: float = -1e9
    _shrank_at: float = -1e9

    def replicas(self, look: Look) -> int:
        """The law."""
        ttft = look.snapshot.ttft.value
        if ttft is None:
            idle = look.snapshot.running.value == 0 and look.snapshot.waiting.value == 0
            ttft = 0.0 if idle else None
        if ttft is None or not isfinite(ttft):
            return look.current
        self._ratios.append((look.now, min(CLAMP, ttft / self.target)))
        while self._ratios[0][0] <= look.now - SMOOTHING_SECONDS:
            self._ratios.popleft()
        ratio = sum(value for _, value in self._ratios) / len(self._ratios)
        if ratio > self.up and look.now - self._grew_at >= UP_SECONDS:
            wish = min(ceil(look.current * ratio / self.up - 1e-9), max(2 * look.current, look.current + UP_PODS))
            self._grew_at = look.now
            return look.bounded(wish)
        if ratio < self.down and look.now - self._shrank_at >= DOWN_SECONDS:
            self._shrank_at = look.now
            return look.bounded(look.current - 1)
        return look.current
