"""The HorizontalPodAutoscaler's law on a figure that is summed over the pods, and KEDA's use of it.

Kubernetes' documented algorithm: desired = ceil(sum / target), nothing within a tolerance of 10% of what there is; up
by the larger of double and four pods in 15 s at once, down only to the largest wish of the last 300 s. A figure that is
missing changes nothing (KEDA: fallback currentReplicas).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_simulator.policies.policy import Look

TOLERANCE = 0.1
DOWN_SECONDS = 300.0
UP_PODS = 4


def queue(snapshot: DeploymentSnapshot) -> float | None:
    """Requests that wait."""
    return snapshot.waiting.value


def in_flight(snapshot: DeploymentSnapshot) -> float | None:
    """Requests that wait or run."""
    running, waiting = snapshot.running.value, snapshot.waiting.value
    return None if running is None or waiting is None else running + waiting


@dataclass
class Hpa:
    """One figure.

    Attributes:
        figure: What is measured.
        target: Of it for each pod.
    """

    figure: Callable[[DeploymentSnapshot], float | None]
    target: float
    _wishes: deque[tuple[float, int]] = field(default_factory=deque)

    def replicas(self, look: Look) -> int:
        """The law."""
        found = self.figure(look.snapshot)
        if found is None:
            return look.current
        wish = ceil(found / self.target - 1e-9)
        if look.ready and abs(found / self.target / look.ready - 1) <= TOLERANCE:
            wish = look.current
        wish = look.bounded(min(wish, max(2 * look.current, look.current + UP_PODS)))
        self._wishes.append((look.now, wish))
        while self._wishes[0][0] <= look.now - DOWN_SECONDS:
            self._wishes.popleft()
        return wish if wish >= look.current else min(look.current, max(number for _, number in self._wishes))
