from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.api import Capacity, Duration, ObjectName, Percentage, PositiveDuration, Quantity, SubPath
from cake_operator.api.advice import INTER_TOKEN_BOUNDS, TTFT_BOUNDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("1k", 1000),
        ("1Ki", 1024),
        ("8Gi", 8 * 2**30),
        ("1.5Gi", 3 * 2**29),
        ("500M", 500_000_000),
        ("2T", 2 * 10**12),
        ("1Ei", 2**60),
        ("0.3", 1),
        (8589934592, 2**33),
    ],
)
def test_a_quantity_is_bytes_rounded_up(text, expected):
    assert Quantity(text).bytes == expected


@pytest.mark.parametrize("text", ["", "Gi", "8 Gi", "8GB", "8gi", "500m", "-1", "1e3", "0", "0.0Gi", "8Gi\n", "8Ki8Mi"])
def test_what_is_no_amount_of_bytes_is_refused(text):
    with pytest.raises(ValueError, match=r"as in 512Mi|more than zero"):
        Quantity(text)


@pytest.mark.parametrize(
    ("text", "good"), [("1048576", True), ("1Mi", True), ("1048575", False), ("1048575.5", False), ("1M", False)]
)
def test_a_tier_holds_at_least_a_mebibyte(text, good):
    if good:
        assert Capacity(text).bytes >= 2**20
    else:
        with pytest.raises(ValueError, match="a tier below 1Mi holds no block"):
            Capacity(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("50ms", 0.05), ("0s", 0), ("300s", 300), ("72h", 259_200), ("30d", 2_592_000), ("1h30m", 5400), ("0.25s", 0.25)],
)
def test_a_duration_is_seconds(text, seconds):
    assert Duration(text).seconds == pytest.approx(seconds)


@pytest.mark.parametrize("seconds", [*TTFT_BOUNDS, *INTER_TOKEN_BOUNDS])
def test_a_bound_of_a_histogram_can_be_written_exactly_in_seconds_and_milliseconds(seconds):
    assert Duration(f"{seconds:g}s").seconds == Duration(f"{seconds * 1000:.9g}ms").seconds == seconds


@given(st.lists(st.tuples(st.integers(0, 10**25), st.sampled_from(["ms", "s", "m", "h", "d"])), min_size=1, max_size=3))
def test_a_duration_that_is_not_refused_fits_a_calendar_and_a_deployment(pieces):
    text = "".join(f"{number}{unit}" for number, unit in pieces)
    try:
        duration = Duration(text)
    except ValueError:
        return
    datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=duration.seconds)
    assert duration.seconds < 2**31


@pytest.mark.parametrize("text", ["2Ei", "9" * 28 + "Ei", "1152921504606846977"])
def test_more_bytes_than_kubernetes_counts_are_refused(text):
    with pytest.raises(ValueError, match="1Ei at most"):
        Quantity(text)


@pytest.mark.parametrize("text", ["a..b", ".a", "a.", "a.-b", "a-.b", "-a", "A", ""])
def test_what_kubernetes_takes_for_no_name_is_refused(text):
    with pytest.raises(ValueError, match="must be the name of an object"):
        ObjectName(text)


@pytest.mark.parametrize("text", ["", "1", "1sec", "s", "1 s", "-1s", "1w", "1s\n", "1.s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="a duration is a number and a unit"):
        Duration(text)


@pytest.mark.parametrize("text", ["0s", "0ms", "0h0m", "0.0s"])
def test_no_time_at_all_is_refused_where_time_must_pass(text):
    with pytest.raises(ValueError, match="must be longer than zero"):
        PositiveDuration(text)


@pytest.mark.parametrize(("text", "fraction"), [("99%", 0.99), ("99.9%", 0.999), ("0.5%", 0.005)])
def test_a_percentage_is_a_fraction(text, fraction):
    assert Percentage(text).fraction == pytest.approx(fraction)


@pytest.mark.parametrize("text", ["100%", "0%", "99", "0.99", "-1%", "%"])
def test_a_share_of_nothing_or_of_everything_is_refused(text):
    with pytest.raises(ValueError, match=r"percent sign|above 0%"):
        Percentage(text)


@pytest.mark.parametrize("text", ["/a", "..", "../a", "a/..", "a/../b", "a/", "a//b", ".", "./a", "a/.", "a\n"])
def test_a_path_stays_inside_its_volume(text):
    with pytest.raises(ValueError, match="inside the volume"):
        SubPath(text)


@pytest.mark.parametrize("text", ["", "a", "a/b", "a..b/..c", ".a/...", "a b"])
def test_a_folder_inside_the_volume_is_a_path(text):
    assert SubPath(text) == text


@pytest.mark.parametrize("value", [True, 1.5, None, ["8Gi"]])
def test_other_types_are_no_quantity(value):
    with pytest.raises(ValueError, match="must be text"):
        Quantity(value)


@given(st.integers(min_value=1, max_value=2**39), st.sampled_from(["", "Ki", "k", "M", "Mi"]))
def test_more_is_more_in_every_unit(number, unit):
    assert Quantity(f"{number}{unit}").bytes < Quantity(f"{number + 1}{unit}").bytes


@given(st.text(alphabet="0123456789.kKMGi \n-", max_size=40))
def test_a_text_that_is_not_refused_is_at_least_a_byte(text):
    try:
        amount = Quantity(text)
    except ValueError:
        return
    assert amount.bytes >= 1
