"""The HorizontalPodAutoscaler's law on a figure that is summed over the pods, and KEDA's use of it.

Kubernetes' documented algorithm: desired = ceil(sum / target), nothing within a tolerance of 10% of what there is; up
by the larger of double and four pods in 15 s at once, down only to the largest wish of the last 300 s, of which the
number that it began with is one. A figure that is missing changes nothing; with KEDA's fallback it is a number of
replicas once it was missing often enough in a row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from cake_simulator.policies.policy import Look

TOLERANCE = 0.1
DOWN_SECONDS = 300.0
UP_PODS = 4
FAILURES = 3
"""KEDA's failureThreshold in its documentation's example."""


def queue(look: Look) -> float | None:
    """Requests that wait."""
    return look.snapshot.waiting.value


def in_flight(look: Look) -> float | None:
    """Requests that wait or run."""
    running, waiting = look.snapshot.running.value, look.snapshot.waiting.value
    return None if running is None or waiting is None else running + waiting


def tokens_to_come(look: Look) -> float | None:
    """Tokens of prompts that are neither computed nor loaded."""
    return look.tokens_to_come.value


@dataclass
class Hpa:
    """One figure.

    Attributes:
        figure: What is measured.
        target: Of it for each pod.
        fallback: Replicas while the figure is missing, from the third time on: KEDA's fallback with its behaviour
            currentReplicasIfHigher. None changes nothing.
    """

    figure: Callable[[Look], float | None]
    target: float
    fallback: int | None = None
    _wishes: deque[tuple[float, int]] = field(default_factory=deque)
    _failures: int = 0

    def replicas(self, look: Look) -> int:
        """The law."""
        if not self._wishes:  # the first look: later ones leave the newest wish
            self._wishes.append((look.now, look.current))
        found = self.figure(look)
        if found is None:
            self._failures += 1
            if self.fallback is None or self._failures < FAILURES:
                return look.current
            return look.bounded(max(self.fallback, look.current))
        self._failures = 0
        wish = ceil(found / self.target - 1e-9)
        if look.ready and abs(found / self.target / look.ready - 1) <= TOLERANCE:
            wish = look.current
        wish = look.bounded(min(wish, max(2 * look.current, look.current + UP_PODS)))
        self._wishes.append((look.now, wish))
        while self._wishes[0][0] <= look.now - DOWN_SECONDS:
            self._wishes.popleft()
        return wish if wish >= look.current else min(look.current, max(number for _, number in self._wishes))
