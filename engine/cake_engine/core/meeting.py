"""Where compute and loads of one request should meet.

Compute of the chunks below the meeting point and loads of those from it on go on at the same time, so the prefix is
there when the later of the two is done. The best meeting point makes that soonest. The ends of the range are the single
resources: all computed where loads cannot help, all loaded where they are far faster, and in between both sides finish
together, since compute stops at the meeting point rather than at the end of a full step. It is chosen anew before
every step, so that it follows whatever changes.

Both resources have a price when others stand in line behind the request: the meeting point m minimises the sum of all
delays,

    max(compute(m), loads(m)) + delay(compute(m), loads(m)),

the second part for those behind, as `cake_engine.core.line` reckons it: a busy GPU computes a stored prefix only where
loading it would cost everyone more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt

from cake_engine.config import Mode
from cake_engine.core.chunk import Chunk
from cake_engine.core.plan import Plan


@dataclass(frozen=True)
class Aim:
    """A goal for one plan.

    Attributes:
        meeting: Chunk at which compute stops.
        floor: Lowest chunk worth loading.
        seconds: Time until both ends are done, as predicted; None without an estimate.
        loads_later: Seconds by which loads end after compute, as predicted.
    """

    meeting: int
    floor: int
    seconds: float | None = None
    loads_later: float = 0.0


@dataclass(frozen=True)
class Loads:
    """What a plan may assume of loads from one tier.

    Attributes:
        seconds: Until so many chunks have arrived, if nothing else is ahead; None while nothing was ever read.
        asked: How many chunks of the plan, the last ones, were asked for.
        ahead: Seconds until what others asked for before those has arrived.
        later: Seconds more until the turn comes for those that were not asked for yet.
    """

    seconds: Callable[[int], float] | None
    asked: int = 0
    ahead: float = 0.0
    later: float = 0.0

    def arrived(self, chunks: int) -> float:
        """Seconds until the last so many chunks have arrived."""
        if not chunks or self.seconds is None:
            return 0.0
        return self.ahead + self.seconds(chunks) + (self.later if chunks > self.asked else 0.0)


@dataclass(frozen=True)
class Costs:
    """What a plan may assume.

    Attributes:
        compute: Seconds to compute tokens [start, stop) of the request; None while no step was measured.
        loads: By tier; a tier that is not named costs nothing.
        compute_ahead: Seconds until compute that goes first is done.
        delay: Seconds that those behind this request wait, added up, if it computes and if it loads until then; None
            where nobody is behind.
        doubt: Relative error of these estimates.
    """

    compute: Callable[[int, int], float] | None
    loads: Mapping[str, Loads] = field(default_factory=dict)
    compute_ahead: float = 0.0
    delay: Callable[[float, float], float] | None = None
    doubt: float = 0.0


def aim(plan: Plan, at: int, mode: Mode, costs: Costs, static_meeting_point: float | None = None) -> Aim:
    """Choose the meeting point for the next step.

    Args:
        plan: The request's plan.
        at: Tokens below it are computed or loaded.
        mode: How stored prefixes are brought back.
        costs: What compute and loads take.
        static_meeting_point: Fraction of the stored prefix to compute, in mode Static.
    """
    match mode:
        case Mode.COMPUTE_ONLY:
            return Aim(plan.end, plan.end)
        case Mode.LOAD_ONLY:
            return Aim(plan.first, plan.first)
        case Mode.STATIC:
            meeting = plan.first + round((static_meeting_point or 0.0) * (plan.end - plan.first))
            return Aim(meeting, meeting)
        case Mode.ADAPTIVE:
            return _balance(plan, at, costs)


def _balance(plan: Plan, at: int, costs: Costs) -> Aim:
    low, high = max(plan.first, -(-at // plan.chunk_tokens)), plan.stop(at)
    if low >= high:
        return Aim(low, low)
    race = _Race.of(plan, at, costs)
    if race is None:
        # Nothing is known of one side: load everything and compute in steps that double, as a sender does on an unknown
        # network. What turns out to be the wrong choice is then small, and some steps later its cost is known.
        return Aim(min(high, low + max(1, plan.count(Chunk.COMPUTED))), low)
    meeting = _least(race.cost, low, high)
    meeting = next((hole.stop for hole in race.holes if meeting in hole), meeting)  # compute goes on through a hole
    computed = race.computed(meeting)
    latest = max(computed, race.arrived(meeting))
    return Aim(meeting, race.floor(low, meeting), latest + race.behind(meeting), latest - computed)


@dataclass(frozen=True)
class _Race:
    """The two ends of one plan with both costs known, as functions of the meeting point."""

    plan: Plan
    at: int
    costs: Costs
    curve: Callable[[int, int], float]
    lanes: Sequence[tuple[Loads, list[int]]]
    holes: Sequence[range]

    @classmethod
    def of(cls, plan: Plan, at: int, costs: Costs) -> _Race | None:
        """None where a cost is not known."""
        lanes = []
        for tier, pending in plan.pending().items():
            loads = costs.loads.get(tier)
            if loads is None:
                continue
            if loads.seconds is None:
                return None
            lanes.append((loads, pending))
        return cls(plan, at, costs, costs.compute, lanes, plan.holes()) if costs.compute else None

    def compute(self, meeting: int) -> float:
        """Seconds of compute up to the meeting point."""
        return self.curve(self.at, meeting * self.plan.chunk_tokens)

    def computed(self, meeting: int) -> float:
        """When compute has reached it."""
        return self._reached(self.compute(meeting))

    def arrived(self, meeting: int) -> float:
        """When all from it on has been loaded: tiers work at the same time."""
        return max((loads.arrived(pending[meeting - self.plan.first]) for loads, pending in self.lanes), default=0.0)

    def behind(self, meeting: int) -> float:
        """Seconds of compute in holes behind the meeting point: it comes last, since loads come from the end."""
        size = self.plan.chunk_tokens
        return sum(
            self.curve(max(hole.start, meeting) * size, hole.stop * size) for hole in self.holes if hole.stop > meeting
        )

    def cost(self, meeting: int) -> float:
        """What is to be least: when both ends are done, and the time of others. Asked for many meeting points."""
        compute, arrived, behind = self.compute(meeting), self.arrived(meeting), self.behind(meeting)
        finish = max(self._reached(compute), arrived) + behind
        if not self.costs.delay:
            return finish
        return finish + self.costs.delay(self.costs.compute_ahead + compute + behind, arrived)

    def _reached(self, compute: float) -> float:
        return compute + self.costs.compute_ahead if compute else 0.0

    def floor(self, low: int, meeting: int) -> int:
        """The lowest chunk that, within the doubt in both costs, arrives before compute would have filled it.

        The last chunk before the meeting point is always worth asking for where nobody is behind: a tier that is
        thought to be slow would otherwise never be seen to have recovered.
        """
        if self.costs.delay:
            return meeting
        early, late = 1 - self.costs.doubt, 1 + self.costs.doubt
        first = bisect_left(
            range(low, meeting), True, key=lambda chunk: early * self.arrived(chunk) < late * self.computed(chunk + 1)
        )
        return max(low, min(low + first, meeting - 1))


def _least(cost: Callable[[int], float], low: int, high: int) -> int:
    """Where a cost that falls and then rises is least: a coarse look, then a fine one around the best."""
    stride = max(1, isqrt((high - low) // 2))
    best = min([*range(low, high, stride), high], key=cost)
    return min(range(max(low, best - stride + 1), min(high, best + stride - 1) + 1), key=cost)
