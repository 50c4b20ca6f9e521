"""How long requests wait: by Little's law, over the looks of the fleet as it is, and what chance leaves of it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.policy.offered import Offered
from cake_operator.policy.waits import Waits, waits
from tests.unit.policy.figures import at

WINDOW = timedelta(seconds=60)


def looks(*waiting: float | None, requests: float = 2.0) -> list[Offered]:
    """One every 15 s."""
    return [Offered(at(15 * number), 1.0, requests, 5.0, one) for number, one in enumerate(waiting)]


@pytest.mark.parametrize(
    ("seen", "seconds", "surely"),
    [
        ([0.0] * 5, 0.0, 0.0),
        ([0.5], 0.25, 0.0),  # two sightings in four scrapes: chance
        ([0.5] * 29, 0.25, 0.25 * (1 - 2 / 4)),  # 16 of them in 32 scrapes
        ([9.0], 4.5, 4.5 * (1 - 2 / 6)),  # 36 at once are no chance
        ([4.0, 0.0, 0.0, 0.0], 0.5, 0.5 * (1 - 2 / 7**0.5)),
    ],
)
def test_of_few_sightings_nothing_follows(seen: list[float], seconds: float, surely: float) -> None:
    assert waits(looks(*seen), WINDOW, None) == Waits(pytest.approx(seconds), pytest.approx(surely))


@pytest.mark.parametrize(
    ("before", "mean", "queued", "done"),
    [
        (3.0, 2.0, 4.0, True),
        (3.0, 3.0, 4.0, False),
        (3.0, 3.0, 0.0, True),
        (2.0, 3.0, 0.0, True),
        (2.0, 3.0, None, False),
    ],
)
def test_a_queue_that_shrinks_or_is_empty_gets_done_with_what_there_is(
    before: float, mean: float, queued: float | None, done: bool
) -> None:
    newest = Offered(at(15), 1.0, 2.0, 5.0, mean, queued)
    found = waits([Offered(at(0), 1.0, 2.0, 5.0, before, 1.0), newest], WINDOW, None)
    assert found is not None
    assert found.shorter == done


def test_what_waited_before_the_fleet_grew_does_not_count() -> None:
    found = waits(looks(9.0, 9.0, 0.0, 1.0), WINDOW, at(30))
    assert found is not None
    assert found.seconds == pytest.approx(0.25)


@pytest.mark.parametrize("seen", [[], [None], [1.0, None, 1.0]])
def test_where_a_look_does_not_know_who_waits_nothing_is_said(seen: list[float | None]) -> None:
    assert waits(looks(*seen), WINDOW, None) is None


def test_before_a_look_of_the_fleet_as_it_is_nothing_is_said() -> None:
    assert waits(looks(1.0, 1.0), WINDOW, at(16)) is None


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50), st.floats(1e-6, 1e6), st.floats(0, 1e9))
def test_more_that_wait_never_wait_for_less(seen: list[float], requests: float, more: float) -> None:
    fewer = waits(looks(*seen, requests=requests), WINDOW, None)
    longer = waits(looks(*seen[:-1], seen[-1] + more, requests=requests), WINDOW, None)
    assert fewer is not None
    assert longer is not None
    assert 0 <= fewer.surely <= fewer.seconds
    assert fewer.seconds <= longer.seconds * (1 + 1e-9)
    assert fewer.surely <= longer.surely * (1 + 1e-9)
