import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.render.burn_rates import TABLE, burn_rates, length

DAY = 86400.0
WORKBOOK = [(14.4, "1h", "5m"), (6, "6h", "30m"), (3, "1d", "2h"), (1, "3d", "6h")]

CASES: dict[str, tuple[float, float, list[tuple[float, str, str]]]] = {
    "30 days at 99%: the workbook's own table": (30 * DAY, 0.01, WORKBOOK),
    "90 days: the same parts of a larger budget": (
        90 * DAY,
        0.01,
        [(14.4, "3h", "15m"), (6, "18h", "1h30m"), (3, "3d", "6h"), (1, "9d", "18h")],
    ),
    "a week: no window below two minutes": (
        7 * DAY,
        0.01,
        [(14.4, "24m", "2m"), (6, "2h24m", "12m"), (3, "9h36m", "48m"), (1, "1d4h48m", "2h24m")],
    ),
    "an hour: no window longer than the objective's": (3600, 0.01, [(14.4, "24m", "2m")]),
    "90%: missing it all the time burns ten times too fast, not 14.4 times": (30 * DAY, 0.1, WORKBOOK[1:]),
    "50%: all the time is twice too fast": (30 * DAY, 0.5, WORKBOOK[3:]),
    "minutes: nothing to alert on": (300, 0.01, []),
}


@pytest.mark.parametrize("which", CASES)
def test_rows_follow_the_workbook_scaled_to_the_window_and_those_that_cannot_fire_are_left_out(which: str) -> None:
    window, budget, expected = CASES[which]
    rows = burn_rates(window, budget)
    assert [(row.factor, length(row.long_minutes), length(row.short_minutes)) for row in rows] == expected


@given(window=st.floats(60, 3650 * DAY), budget=st.floats(0.0001, 0.99))
def test_every_row_can_fire_within_the_window_of_the_objective(window: float, budget: float) -> None:
    for row in burn_rates(window, budget):
        assert row.factor * budget < 1
        assert 2 <= row.short_minutes < row.long_minutes <= window / 60
        assert row.long_minutes / row.short_minutes == pytest.approx(12, rel=0.25)


def test_a_page_stands_for_a_larger_part_of_the_budget_the_slower_it_comes() -> None:
    parts = [row.factor * row.long_minutes / (30 * 24 * 60) for row in TABLE]
    assert parts == pytest.approx([0.02, 0.05, 0.1, 0.1])


@given(st.integers(1, 10**6))
def test_a_length_is_its_minutes_written_out(minutes: int) -> None:
    units = {"d": 1440, "h": 60, "m": 1}
    text, total, number = length(minutes), 0, ""
    for sign in text:
        number, total = (number + sign, total) if sign.isdigit() else ("", total + int(number) * units[sign])
    assert total == minutes
