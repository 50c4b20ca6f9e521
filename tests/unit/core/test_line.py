from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.line import Line, Turn

SECONDS = st.floats(0.0, 100.0)
TURNS = st.lists(st.tuples(SECONDS, st.one_of(st.just(0.0), SECONDS)), max_size=12)


def _turns(turns: list[tuple[float, float]]) -> list[Turn]:
    return [Turn(f"r{number}", text, loads) for number, (text, loads) in enumerate(turns)]


def _one_after_another(turns: list[Turn], place: int, beyond: int, compute: float, loads: float) -> float:
    """The delay of those behind `place`, walked through one by one."""
    total, slack, text = beyond * compute, 0.0, turns[place].text if place >= 0 else 0.0
    for turn in turns[place + 1 :]:
        if turn.loads:
            slack += max(0.0, text - turn.loads)
            total += max(compute, loads - slack)
            text = turn.text
        else:
            total += compute
            text += turn.text
    return total


@given(TURNS, st.integers(0, 5), st.data(), SECONDS, SECONDS)
def test_the_delay_is_that_of_all_behind_walked_through_one_by_one(
    given_turns: list[tuple[float, float]], beyond: int, data: st.DataObject, compute: float, loads: float
) -> None:
    turns = _turns([(text, loads or 1.0) for text, loads in given_turns] if data.draw(st.booleans()) else given_turns)
    place = data.draw(st.integers(-1, len(turns) - 1))
    # What was carried over from requests without a stored prefix before this one is its own text's beginning.
    if place >= 0 and not turns[place].loads:
        place = -1
    line = Line(turns, beyond)
    name = turns[place].request if place >= 0 else "not in line"
    expected = _one_after_another(turns, place, beyond, compute, loads)
    assert line.delay(name, compute, loads) == pytest.approx(expected, abs=1e-6)
    assert line.behind(name) == len(turns) - place - 1 + beyond


@pytest.mark.parametrize(
    ("behind", "delay"),
    [
        ([], 0.0),
        ([Turn("b", 1.0)], 2.0),
        ([Turn("b", 1.0, 4.0)], 5.0),
        ([Turn("b", 10.0, 4.0), Turn("c", 10.0, 4.0)], 5.0 + 2.0),
        ([Turn("b", 3.0, 1.0), Turn("c", 3.0, 1.0)], 5.0 + 3.0),
    ],
    ids=[
        "nobody is behind",
        "without a stored prefix it is compute that delays",
        "with one it is whichever end is later",
        "while much text is computed the loads of the next one are done",
        "with little text they are late by less",
    ],
)
def test_two_seconds_of_compute_and_five_of_loads_delay_those_behind_by(behind: list[Turn], delay: float) -> None:
    assert Line([Turn("a", 0.0, 9.0), *behind]).delay("a", 2.0, 5.0) == delay


@given(TURNS, SECONDS, SECONDS, SECONDS)
def test_more_of_either_resource_never_delays_less(
    given_turns: list[tuple[float, float]], compute: float, loads: float, more: float
) -> None:
    line = Line(_turns(given_turns))
    least = line.delay("new", compute, loads)
    assert line.delay("new", compute + more, loads) >= least - 1e-6
    assert line.delay("new", compute, loads + more) >= least - 1e-6
