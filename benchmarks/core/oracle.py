"""What was possible in a world: the single resources, and the best meeting point if all speeds to come were known."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.core.tier_queue import TierQueue
from benchmarks.core.worlds import World


@dataclass(frozen=True)
class Possible:
    """Seconds until the stored prefix is on the device.

    Attributes:
        compute_only: All computed, in full steps.
        load_only: All loaded, asked for at once.
        oracle: Computed up to the best meeting point and loaded from there on.
        meeting: That meeting point, a chunk.
    """

    compute_only: float
    load_only: float
    oracle: float
    meeting: int

    @property
    def better_single(self) -> float:
        """The faster of computing all and loading all."""
        return min(self.compute_only, self.load_only)


def possible(world: World) -> Possible:
    """Try every meeting point."""
    loads = _loaded_by_number(world)
    pending = dict.fromkeys(world.tiers, 0)
    best, meeting, load_only = float("inf"), world.chunks, 0.0
    for chunk in range(world.chunks, -1, -1):
        if chunk < world.chunks:
            pending[world.home(chunk)] += 1
        loaded = max(loads[tier][count] for tier, count in pending.items())
        both = max(computed(world, chunk), loaded)
        if both < best:
            best, meeting = both, chunk
        load_only = loaded
    return Possible(computed(world, world.chunks), load_only, best, meeting)


def computed(world: World, chunk: int) -> float:
    """When compute alone reaches a chunk, begun at 0."""
    now = 0.0
    for seconds in world.steps(chunk * world.chunk_tokens) if chunk else ():
        now = world.device.pace.finish(now, seconds)
    return now


def _loaded_by_number(world: World) -> dict[str, list[float]]:
    """By tier: when so many chunks have arrived, all asked for at 0."""
    times: dict[str, list[float]] = {}
    for name, tier in world.tiers.items():
        queue: TierQueue[int] = TierQueue(tier)
        for chunk in range(world.chunks):
            queue.ask(chunk, 0.0)
        times[name] = [0.0, *(arrival.ended for arrival in queue.arrivals(float("inf")))]
    return times
