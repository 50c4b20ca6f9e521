from datetime import UTC, datetime, timedelta

from cake_operator.clock import SteadyClock

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_clock_goes_on_by_the_seconds_that_pass_and_not_by_the_time_of_day() -> None:
    walls, seconds = iter([START, START + timedelta(hours=1), START - timedelta(hours=1)]), iter([100.0, 100.5, 160.0])
    clock = SteadyClock(lambda: next(walls), lambda: next(seconds))
    assert [clock(), clock()] == [START + timedelta(seconds=0.5), START + timedelta(seconds=60)]


def test_it_tells_the_time() -> None:
    clock = SteadyClock()
    first, second = clock(), clock()
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=10)
    assert second >= first
    assert first.tzinfo is UTC
