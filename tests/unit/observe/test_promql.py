"""PromQL text."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.promql import duration, quantile, quoted, selector
from cake_operator.observe.queries import FAMILIES, Percentiles
from cake_operator.observe.sampling import Sampling

PERCENTILES = Percentiles(ttft=(50.0, 90.0), inter_token_latency=(90.0,))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("team-a", '"team-a"'),
        ('"} or vector(1) #', r'"\"} or vector(1) #"'),
        ("back\\slash", r'"back\\slash"'),
        ("two\nlines", r'"two\nlines"'),
    ],
)
def test_a_label_value_is_quoted(value: str, text: str) -> None:
    assert quoted(value) == text


@given(st.text())
def test_no_value_ends_its_own_quotes(value: str) -> None:
    inside = quoted(value)[1:-1]
    unescaped = inside.replace("\\\\", "").replace('\\"', "").replace("\\n", "")
    assert '"' not in unescaped
    assert "\\" not in unescaped
    assert "\n" not in unescaped


@pytest.mark.parametrize(
    ("length", "text"),
    [(timedelta(seconds=60), "60000ms"), (timedelta(milliseconds=1500), "1500ms"), (timedelta(days=1), "86400000ms")],
)
def test_a_duration_is_written_in_milliseconds(length: timedelta, text: str) -> None:
    assert duration(length) == text


@pytest.mark.parametrize(("percentile", "text"), [(90, "(0.9,"), (99.9, "(0.999,"), (1, "(0.01,")])
def test_a_percentile_is_a_quantile(percentile: float, text: str) -> None:
    assert text in quantile(percentile, "x_bucket", timedelta(seconds=60))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_query_of_a_family_is_scoped_to_deployments_and_to_the_namespace(family) -> None:
    for query in family(Sampling(namespace="team-a"), PERCENTILES):
        scoped = 'cake_dev_deployment!="",namespace="team-a"'
        assert query.promql.count("{") == query.promql.count(scoped)
        assert scoped in query.clock


@pytest.mark.parametrize("family", FAMILIES)
def test_every_query_keeps_the_labels_that_say_whose_figure_it_is(family) -> None:
    for query in family(Sampling(), PERCENTILES):
        owner = "namespace,cake_dev_deployment" + (f",{query.by}" if query.by else "")
        assert f"by ({owner}) (" in query.promql or f"by (le,{owner}) (" in query.promql


def test_a_selector_without_a_namespace_spans_all_of_them() -> None:
    assert selector("up") == 'up{cake_dev_deployment!=""}'


def test_windows_span_enough_scrapes() -> None:
    slow = Sampling(scrape_interval=timedelta(seconds=60))
    assert slow.window == timedelta(seconds=240)
    assert slow.tuning_window == timedelta(seconds=240)
    assert slow.stale_after == timedelta(seconds=180)
    assert Sampling().window == timedelta(seconds=60)


@pytest.mark.parametrize("zero", ["scrape_interval", "timeout"])
def test_a_length_of_zero_is_refused(zero: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Sampling(**{zero: timedelta(0)})
