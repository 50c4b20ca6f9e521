"""A dashboard with its data says which of its panels have nothing to show."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from dashboards.asking import Curve, Prometheus, QueryError
from dashboards.drawing import Drawing, drawing
from dashboards.layout import Line, annotation, choice, columns, graph, json_of, page

SENTENCES = {"shows": "What is shown here.", "bad": "What to do about it."}
HERE = [Curve({"pod": "a"}, [100.0], [1.0])]
NO_REQUESTS = [Curve({}, [100.0], [math.nan])]


@dataclass(frozen=True)
class Answers(Prometheus):
    """A Prometheus that finds what it is told to."""

    found: dict[str, list[Curve]] = field(default_factory=dict)

    def curves(self, promql: str) -> list[Curve]:
        return self.found.get(promql, [])

    newest = curves


def drawn(found: dict[str, list[Curve]], *panels: Any) -> Drawing:
    variables = [choice("namespace", "label_values(up{}, namespace)")]
    one = page("uid", "Title", variables, {"Row": panels}, [annotation("edit", "edits{}", "blue")])
    return drawing(json.loads(json_of(one)), Answers("", {"namespace": "team-a"}, 40.0, 100.0, found))


def test_a_drawing_has_the_panels_as_they_stand_in_the_dashboard_and_what_was_chosen() -> None:
    document = drawn({"up{}": HERE}, graph("Up", Line("up{}", "{{pod}}"), **SENTENCES)).document
    assert [(one["panel"]["title"], len(one["frames"])) for one in document["panels"]] == [("Row", 0), ("Up", 1)]
    assert (document["title"], document["chosen"]) == ("Title", {"namespace": "team-a"})
    assert (document["from"], document["to"]) == (40_000, 100_000)


@pytest.mark.parametrize(
    ("found", "quiet", "empty"),
    [
        ({"a{}": HERE, "b{}": HERE}, None, ()),
        ({"a{}": HERE}, None, ()),
        ({}, None, ("Panel",)),
        ({"a{}": NO_REQUESTS}, None, ("Panel",)),
        ({}, "Nothing was refused.", ()),
    ],
)
def test_a_panel_is_empty_when_no_query_has_a_number_and_it_does_not_say_that_this_is_well(
    found: dict[str, list[Curve]], quiet: str | None, empty: tuple[str, ...]
) -> None:
    panel = graph("Panel", Line("a{}", "one"), Line("b{}", "other"), quiet=quiet, **SENTENCES)
    assert drawn(found, panel).empty == empty


def test_each_query_that_found_nothing_is_named() -> None:
    panel = graph("Panel", Line("a{}", "one"), Line("b{}", "other"), **SENTENCES)
    assert drawn({"a{}": HERE}, panel).unanswered == ("Panel: other",)


def test_a_table_has_one_frame_for_each_query_with_an_answer() -> None:
    table = columns("Table", Line("a{}", "one"), Line("b{}", "other"), Line("c{}", "third"), **SENTENCES)
    (_, panel) = drawn({"a{}": HERE, "b{}": HERE * 2}, table).document["panels"]
    assert [frame["fields"][-1]["name"] for frame in panel["frames"]] == ["Value #A", "Value #B"]


def test_marks_are_drawn_from_when_to_when_their_query_found_something() -> None:
    assert drawn({"edits{}": HERE}).document["marks"] == [
        {"name": "edit", "color": "blue", "spans": [(100_000.0, 100_000.0)]}
    ]


def test_a_variable_without_a_value_is_asked_for_by_its_option() -> None:
    with pytest.raises(QueryError, match="give --claim VALUE"):
        Prometheus("http://127.0.0.1:1", {}, 0, 1).curves('up{claim="$claim"}')
