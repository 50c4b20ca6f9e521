"""Two tiers with one prefix in two levels: which is loaded follows from links, compute and the deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from cake_engine.config import Mode
from cake_engine.core.levels import Levels
from cake_engine.core.meeting import Aim, Costs, Loads, aim
from cake_engine.core.plan import Plan
from cake_engine.core.tier_cost import TierCost

EXACT, COARSE = "exact", "coarse"
CHUNKS, CHUNK_BYTES = 100, 1 << 20
SMALLER = 0.25


def read_from(link: float | None, share: float) -> TierCost:
    """What reads of a tier were measured to take over a link of so many bytes a second; None: nothing was read."""
    cost = TierCost()
    for at in range(50 if link else 0):
        took = share * CHUNK_BYTES / (link or 1.0)
        cost.observe(CHUNK_BYTES, at * took, (at + 1) * took, busy=True)
    return cost


class Request:
    """A prompt of 100 chunks, stored in two levels but where it is said otherwise; 10 ms to compute a chunk."""

    def __init__(self, links: dict[str, float | None], *, of: Callable[[int], list[str]] = lambda _: [EXACT, COARSE]):
        self.tiers = {chunk: of(chunk)[0] for chunk in range(CHUNKS)}
        self.plan = Plan(0, CHUNKS, 32, tiers=self.tiers)
        self.levels = Levels(self.tiers, [EXACT, COARSE])
        self.levels.held.update((chunk, of(chunk)) for chunk in range(CHUNKS))
        self.costs = {name: read_from(link, 1.0 if name == EXACT else SMALLER) for name, link in links.items()}

    def choose(self, left: float) -> Aim:
        loads = {name: Loads(cost.curve(CHUNK_BYTES)) for name, cost in self.costs.items()}
        costs = Costs(lambda start, stop: (stop - start) / 32 * 0.01, loads)
        goal = self.levels.aim(self.plan, left, lambda: aim(self.plan, 0, Mode.ADAPTIVE, costs))
        self.plan.aim(goal.meeting, goal.floor)
        return goal

    @property
    def taken(self) -> Counter[str]:
        """Of how many chunks that will be loaded it takes which level."""
        return Counter(self.tiers[chunk] for chunk in range(self.plan.meeting, CHUNKS))


FAST, MIDDLING, SLOW = 1e9, 1e8, 1e7
LINKS = {
    "a fast link": (FAST, 0.3, EXACT),
    "a middling one, and time": (MIDDLING, 0.6, EXACT),
    "a middling one, and less time": (MIDDLING, 0.3, COARSE),
    "a slow one": (SLOW, 0.9, COARSE),
    "a slow one, and time to compute it all": (SLOW, 1.1, EXACT),
    "a slow one, and no time at all": (SLOW, 0.0, COARSE),
}


@pytest.mark.parametrize("link", LINKS)
def test_the_best_level_that_comes_in_time_is_loaded_and_else_the_one_that_comes_soonest(link: str) -> None:
    rate, left, expected = LINKS[link]
    request = Request({EXACT: rate, COARSE: rate})
    goal = request.choose(left)

    assert request.taken.most_common(1)[0][0] == expected
    assert goal.seconds is not None
    assert (goal.seconds <= left) is (left != 0.0)


def test_compute_still_takes_what_would_come_too_late_in_any_level() -> None:
    request = Request({EXACT: SLOW, COARSE: SLOW})
    request.choose(0.9)

    assert 0 < request.plan.meeting < CHUNKS


def test_a_chunk_that_is_on_one_tier_alone_comes_from_there() -> None:
    request = Request({EXACT: SLOW, COARSE: SLOW}, of=lambda chunk: [EXACT] if chunk % 2 else [EXACT, COARSE])
    request.choose(0.0)

    assert {request.tiers[chunk] for chunk in range(1, CHUNKS, 2)} == {EXACT}
    assert COARSE in {request.tiers[chunk] for chunk in range(0, CHUNKS, 2)}


def test_what_was_asked_for_stays_as_it_was_asked() -> None:
    request = Request({EXACT: SLOW, COARSE: SLOW})
    request.plan.fetching(CHUNKS - 1)
    request.choose(0.0)

    assert request.tiers[CHUNKS - 1] == EXACT
    assert request.tiers[CHUNKS - 2] == COARSE


def test_a_level_that_was_never_read_is_tried_where_a_better_one_is_late() -> None:
    request = Request({EXACT: SLOW, COARSE: None})
    request.choose(2.0)
    assert request.taken.keys() <= {EXACT}

    request.choose(0.1)
    assert request.taken[COARSE] >= len(request.taken) - 1


def test_one_chunk_at_a_time_comes_from_the_better_tier_so_that_its_recovery_is_seen() -> None:
    request = Request({EXACT: SLOW, COARSE: SLOW})
    goal = request.choose(0.9)
    assert Counter(request.tiers.values())[EXACT] == 1
    assert request.tiers[goal.floor] == EXACT

    request.plan.fetching(goal.floor)
    request.choose(0.9)
    assert Counter(request.tiers.values())[EXACT] == 1, "while it is read, no other"

    request.costs[EXACT] = read_from(FAST, 1.0)
    request.choose(0.9)
    assert request.taken[EXACT] == sum(request.taken.values())
