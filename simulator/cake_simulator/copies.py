"""Copies from one pod's memory to its device: one after the other, in the order in which they began."""

from __future__ import annotations

from collections import deque

from simpy import Environment

from cake_engine.core.chunk import Chunk
from cake_simulator.active_plan import ActivePlan


class Copies:
    """What is on its way to the device.

    Args:
        env: The clock.
        seconds: That one chunk takes.
    """

    def __init__(self, env: Environment, seconds: float) -> None:
        self._env, self._seconds = env, seconds
        self._until = 0.0
        self._under_way: deque[tuple[float, ActivePlan, int]] = deque()

    @property
    def next_end(self) -> float | None:
        """When the next copy ends; None when none is under way."""
        return self._under_way[0][0] if self._under_way else None

    def begin(self, active: ActivePlan) -> None:
        """Begin copies of what a plan has in memory, last first; let go of what its aim has passed."""
        plan = active.plan
        for chunk in sorted(active.near, reverse=True):
            if chunk >= plan.floor:
                plan.copying(chunk)
                active.near.discard(chunk)
                self._until = max(self._until, self._env.now) + self._seconds
                self._under_way.append((self._until, active, chunk))
            elif plan[chunk] is Chunk.FETCHING:
                plan.returned(chunk)
                active.pass_by(chunk)

    def ended(self) -> list[tuple[ActivePlan, int]]:
        """The chunks that are on the device by now and were not told of before; memory need not keep them."""
        found = []
        while self._under_way and self._under_way[0][0] <= self._env.now:
            _, active, chunk = self._under_way.popleft()
            active.memory.unpin(active.key(chunk))
            found.append((active, chunk))
        return found
