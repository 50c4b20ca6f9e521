"""What is asked of Prometheus exists: a renamed metric would otherwise look like an engine that does nothing."""

import re
from pathlib import Path

import pytest

from cake_engine.core.metrics import CONFIGURATION, WORK, Metric
from cake_operator.observe.queries import FAMILIES, Percentiles
from cake_operator.observe.queries.load import HELD
from cake_operator.observe.sampling import Sampling

DEFINED = {metric.name: metric for metric in (*WORK, *CONFIGURATION)}
QUERIES = [query for family in FAMILIES for query in family(Sampling(), Percentiles((90,), (90,)))]
ASKED = sorted({name for query in QUERIES for name in re.findall(r"\b(cake_\w+)\{", f"{query.promql} {query.clock}")})
ROOT = Path(__file__).parents[2]


def metric_of(series: str) -> Metric | None:
    """The metric that has a series; a histogram has three kinds of them."""
    whole = re.sub(r"_(bucket|sum|count)$", "", series)
    return DEFINED.get(series) or (found if (found := DEFINED.get(whole)) and found.kind == "histogram" else None)


def test_the_operator_asks_for_metrics_of_the_engine():
    assert len(ASKED) >= 10


@pytest.mark.parametrize("series", sorted({*ASKED} - {HELD}))  # that one is for a user's gateway to tell
def test_every_series_that_the_operator_asks_for_is_one_that_the_engine_exports(series):
    assert metric_of(series) is not None


@pytest.mark.parametrize("query", [query for query in QUERIES if query.by not in ("", "pod")], ids=lambda q: q.figure)
def test_a_figure_is_divided_by_a_label_that_its_metric_has(query):
    names = re.findall(r"\b(cake_\w+)\{", query.promql)
    assert names
    assert all(query.by in metric_of(name).labels for name in names)


@pytest.mark.parametrize("name", DEFINED)
def test_names_carry_their_unit_and_counters_their_total(name):
    metric = DEFINED[name]
    assert name.startswith("cake_")
    if metric.kind == "counter":
        assert name.endswith("_total")
    if metric.kind == "histogram":
        assert name.endswith(("_seconds", "_ratio"))
