"""Dashboards and rules ask for series that exist, and for those of CakeDeployments only."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from cake_engine.core.metrics import CONFIGURATION, WORK
from cake_operator import instruments
from cake_operator.fleet_metrics import FLEET
from tests.unit.dashboards.queries import SELECTOR, all_queries, groups, pages, panels, whole
from tests.unit.observe.test_vllm_names import exported

RUNBOOKS = Path(__file__).parents[3] / "docs/runbooks"
OWN = {instrument for instrument in vars(instruments).values() if isinstance(instrument, MetricWrapperBase)}
OF_THE_OPERATOR = {family.name for instrument in OWN for family in instrument.describe()}


def recorded() -> set[str]:
    return {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}


def known() -> set[str]:
    """Every metric that somebody declares, without the endings of counters and of a histogram's parts."""
    ours = {metric.name for metric in (*WORK, *CONFIGURATION)} | {gauge.name for gauge in FLEET}
    return {whole(name) for name in ours | OF_THE_OPERATOR | exported() | recorded()}


@pytest.mark.parametrize(("where", "promql"), all_queries())
def test_a_query_names_metrics_that_engine_operator_or_a_rule_declares(where: str, promql: str) -> None:
    names = {name for name, _ in SELECTOR.findall(promql)}
    assert names
    assert {whole(name) for name in names} <= known()


@pytest.mark.parametrize(("where", "promql"), all_queries())
def test_a_query_is_scoped_to_cakedeployments_or_to_the_operators_that_are_chosen(where: str, promql: str) -> None:
    for name, matchers in SELECTOR.findall(promql):
        if whole(name) not in OF_THE_OPERATOR:
            assert 'cake_dev_deployment!=""' in matchers.split(","), name
        elif not where.startswith(("rule ", "fleet: $operator")):
            assert matchers == 'namespace=~"$operator"', name


@pytest.mark.parametrize(("where", "promql"), all_queries())
def test_a_query_has_no_series_without_matchers(where: str, promql: str) -> None:
    bare = re.findall(r"\b(?:cake_|cake:|vllm:)[a-zA-Z0-9_:]+\b(?!\{)", promql)
    assert [name for name in bare if name != "cake_dev_deployment"] == []


def all_panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, page in pages().items():
        for panel in panels(page):
            yield f"{name}: {panel['title']}", panel


@pytest.mark.parametrize(("where", "panel"), [pytest.param(*one, id=one[0]) for one in all_panels()])
def test_a_panel_says_what_it_shows_and_what_to_do_when_it_looks_bad(where: str, panel: dict[str, Any]) -> None:
    shows, _, bad = panel["description"].partition("\n\n**When it looks bad:** ")
    assert len(shows) > 15
    assert len(bad) > 15
    assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("name", pages())
def test_a_dashboard_is_found_by_its_uid_and_asks_the_prometheus_that_is_chosen(name: str) -> None:
    page = pages()[name]
    assert page["uid"] == f"cake-{name}"
    assert page["templating"]["list"][0]["type"] == "datasource"
    assert "namespace" in {variable["name"] for variable in page["templating"]["list"]}
    ids = [panel["id"] for panel in page["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", pages())
def test_panels_do_not_overlap_and_leave_no_row_half_empty(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in pages()[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    rows = {y for _, y in taken}
    assert all((x, y) in taken for y in rows for x in range(24))


def test_every_dashboard_knows_the_variables_that_its_queries_use() -> None:
    for page in pages().values():
        declared = {variable["name"] for variable in page["templating"]["list"]}
        exprs = [target["expr"] for panel in panels(page) for target in panel["targets"]]
        used = {name for expr in exprs for name in re.findall(r"\$(\w+)", expr) if not name.startswith("__")}
        assert used <= declared


ALERTS = sorted({rule["alert"] for group in groups() for rule in group["rules"] if "alert" in rule})


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_runbook_that_names_commands(alert: str) -> None:
    page = (RUNBOOKS / f"{alert}.md").read_text()
    assert page.startswith(f"# {alert}\n")
    headings = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    assert headings == ["What it means", "What users feel", "Look", "Do", "When it is wrong"]
    assert re.search(r"^    (kubectl|helm|cake-engine|curl) ", page, flags=re.MULTILINE), "a command to run"


def test_every_runbook_belongs_to_an_alert() -> None:
    assert {page.stem for page in RUNBOOKS.glob("Cake*.md")} == set(ALERTS)
