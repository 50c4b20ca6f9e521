"""Prometheus's answers become the frames that Grafana's components read."""

import math
from typing import Any

import pytest

from dashboards.asking import Curve
from dashboards.frames import line_frame, spans, table_frame


def target(legend: str = "", reference: str = "A") -> dict[str, Any]:
    return {"refId": reference, "legendFormat": legend}


@pytest.mark.parametrize(
    ("legend", "labels", "name"),
    [
        ("p99", {"pod": "a"}, "p99"),
        ("{{pod}}", {"pod": "a"}, "a"),
        ("{{tier}} {{reason}}", {"tier": "shared", "reason": "no_space"}, "shared no_space"),
        ("{{outcome}} {{tier}}", {"outcome": "computed"}, "computed"),
    ],
)
def test_a_line_is_named_by_its_legend(legend: str, labels: dict[str, str], name: str) -> None:
    value = line_frame(target(legend), Curve(labels, [1.0], [2.0]), 15)["fields"][1]
    assert value["config"]["displayNameFromDS"] == name
    assert value["labels"] == labels


def test_times_are_milliseconds_and_what_is_no_number_is_left_blank() -> None:
    curve = Curve({}, [10.0, 25.0, 40.0], [1.5, math.nan, math.inf])
    time, value = line_frame(target(), curve, 15)["fields"]
    assert time["values"] == [10_000.0, 25_000.0, 40_000.0]
    assert time["config"] == {"interval": 15_000}
    assert value["values"] == [1.5, None, None]


def test_a_table_has_a_row_for_each_series_and_a_column_for_each_label() -> None:
    curves = [Curve({"namespace": "a", "pod": "x"}, [5.0], [1.0]), Curve({"namespace": "b"}, [5.0], [2.0])]
    frame = table_frame(target(reference="C"), curves, several=True)
    assert {field["name"]: field["values"] for field in frame["fields"]} == {
        "Time": [5_000.0, 5_000.0],
        "namespace": ["a", "b"],
        "pod": ["x", ""],
        "Value #C": [1.0, 2.0],
    }


def test_the_values_of_a_tables_only_query_need_no_letter() -> None:
    frame = table_frame(target(), [Curve({}, [5.0], [1.0])], several=False)
    assert [field["name"] for field in frame["fields"]] == ["Time", "Value"]


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([], []),
        ([1.0], [(1000, 1000)]),
        ([0.0, 15.0, 30.0, 90.0, 105.0], [(0, 30_000), (90_000, 105_000)]),
    ],
)
def test_a_mark_lasts_as_long_as_its_query_finds_something(
    times: list[float], found: list[tuple[float, float]]
) -> None:
    assert spans(Curve({}, times, [1.0] * len(times)), 15) == found
