"""Which level of a chunk is loaded, where several tiers hold it: CacheGen's choice (arXiv 2310.07240), in Cake's plan.

Tiers stand in the order of their quality, exact before coarse. A plan takes the best level with which the first token
is predicted to come in time; where none is in time, the one with which it comes soonest. The prediction is that of the
meeting point, made of what reads and compute were measured to take, so what a coarser level would bring is weighed
against computing it. It is chosen anew before every step, for all chunks that were not asked for yet: one prefix may
come in several levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cake_engine.core.chunk import Chunk
from cake_engine.core.meeting import Aim
from cake_engine.core.plan import Plan


class Levels:
    """The levels in which chunks of one plan are there.

    Attributes:
        held: By chunk, the tiers that hold it, best first; a chunk of a single tier may be left out.
        unheard: Chunks of which not all tiers have said yet whether they hold them.
    """

    def __init__(self, tiers: dict[int, str], best_first: Sequence[str]) -> None:
        """Know of no other level.

        Args:
            tiers: By chunk, the tier from which it will be loaded: the plan's own, changed here.
            best_first: All tiers that have a level.
        """
        self.held: dict[int, Sequence[str]] = {}
        self.unheard = {chunk for chunk, tier in tiers.items() if tier in best_first}
        self._tiers = tiers
        self._best_first = best_first

    def aim(self, plan: Plan, left: float, aimed: Callable[[], Aim]) -> Aim:
        """Choose the level of all chunks that were not asked for yet; returns the plan's aim with it.

        Args:
            plan: Of these chunks.
            left: Seconds until the prefix has to be there.
            aimed: Gives the aim of the plan with its tiers as they are then. One without a prediction is taken: a tier
                of which nothing is known becomes known by being used.
        """
        held = {chunk: names for chunk, names in self.held.items() if plan[chunk] is Chunk.STORED}
        levels = [name for name in self._best_first if any(name in names for names in held.values())]
        soonest: tuple[float, str, Aim] | None = None
        for level in levels:
            self._take(held, level)
            goal = aimed()
            if goal.seconds is None or goal.seconds <= left:
                soonest = (0.0, level, goal)
                break
            if soonest is None or goal.seconds < soonest[0]:
                soonest = (goal.seconds, level, goal)
        if soonest is None:
            return aimed()
        _, level, goal = soonest
        self._take(held, level)
        if level != levels[0]:
            self._try_better(plan, held, goal.floor)
        return goal

    def _take(self, held: Mapping[int, Sequence[str]], level: str) -> None:
        self._tiers.update((chunk, level if level in names else names[0]) for chunk, names in held.items())

    def _try_better(self, plan: Plan, held: Mapping[int, Sequence[str]], last: int) -> None:
        """Have the chunk that would be loaded last come in its best level, one at a time.

        A tier that is not read would never be seen to have recovered. If it is still slow, compute passes that chunk.
        """
        if last in held and held[last][0] not in plan.reading():
            self._tiers[last] = held[last][0]
