"""Knative's pod autoscaler on requests in flight: a stable window, and a panic window that never shrinks.

Its published defaults: stable window 60 s, panic window a tenth of it, panic from twice what is ready on. It begins in
panic where there is more than one pod, so as not to shrink before it has seen a stable window. Scrapes here are further
apart than the panic window is long, so that the panic window is the newest scrape.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil

from cake_simulator.policies.hpa import in_flight
from cake_simulator.policies.policy import Look

STABLE_SECONDS = 60.0
PANIC_FACTOR = 2.0
MOST_DOWN = 2.0


@dataclass
class Kpa:
    """Concurrency.

    Attributes:
        target: Requests in flight for each pod.
    """

    target: float
    _seen: deque[tuple[float, float]] = field(default_factory=deque)
    _panic_since: float | None = None
    _panic_most: int = 0
    _began: bool = False

    def replicas(self, look: Look) -> int:
        """The law."""
        if not self._began:
            self._began = True
            if look.current > 1:
                self._panic_since, self._panic_most = look.now, look.current
        found = in_flight(look)
        if found is None:
            return look.current
        self._seen.append((look.now, found))
        while self._seen[0][0] <= look.now - STABLE_SECONDS:
            self._seen.popleft()
        ready = max(1, look.ready)
        floor = ceil(ready / MOST_DOWN)
        stable = max(floor, ceil(sum(value for _, value in self._seen) / len(self._seen) / self.target - 1e-9))
        panic = ceil(found / self.target - 1e-9)
        if panic >= PANIC_FACTOR * ready:
            self._panic_since = look.now
        if self._panic_since is not None and look.now - self._panic_since < STABLE_SECONDS:
            self._panic_most = max(self._panic_most, panic, look.current)
            return look.bounded(self._panic_most)
        self._panic_since, self._panic_most = None, 0
        return look.bounded(stable)
