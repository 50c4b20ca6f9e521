"""Every query of dashboards, alerts and recording rules on a real Prometheus that scrapes all that is declared."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dashboards.__main__ import main
from tests.cluster import promtool
from tests.cluster.declared_metrics import DeclaredEngine, DeclaredOperator
from tests.cluster.engine_metrics import Pod, exporter
from tests.cluster.prometheus_server import PrometheusServer, prometheus
from tests.cluster.waiting import eventually
from tests.unit.dashboards.queries import groups, of_marks, of_panels, of_rules, of_variables

VARIABLES = {
    "$namespace": "team-a",
    "$deployment": "chat",
    "$claim": "kv",
    "$operator": "cake-system",
    "$__rate_interval": "10s",
}
CHAT = {
    "metadata": {"namespace": "team-a", "name": "chat", "generation": 3, "resourceVersion": "1"},
    "spec": {
        "kvTiers": [
            {"name": "memory", "memory": {}},
            {"name": "shared", "persistentVolumeClaim": {"claimName": "kv"}},
        ],
        "slo": {"ttft": {"target": "1s"}, "interTokenLatency": {"target": "50ms"}},
        "scaling": {"minReplicas": 1, "maxReplicas": 4},
    },
    "status": {
        "readyReplicas": 1,
        "conditions": [{"type": "TierDegraded", "status": "True", "reason": "ClaimMissing"}],
        "scaling": {"desiredReplicas": 2},
        "balance": {"generation": 2, "confirmedGeneration": 1},
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    engine, operator = DeclaredEngine(), DeclaredOperator(CHAT)
    pods = [
        Pod("team-a", "chat", "chat-0", moment=engine.happen, engine=engine),  # type: ignore[arg-type]
        Pod("cake-system", "", "operator-0", moment=operator.happen, engine=operator),  # type: ignore[arg-type]
    ]
    quick = [{**group, "interval": "1s"} for group in groups()]
    with ExitStack() as stack:
        address = stack.enter_context(exporter(pods))
        jobs = [
            {"job_name": pod.name, "honor_labels": not pod.deployment, "static_configs": [pod.target(address)]}
            for pod in pods
        ]
        yield stack.enter_context(prometheus(jobs, quick))


def chosen(promql: str) -> str:
    """A query with what somebody chose in Grafana."""
    for variable, value in VARIABLES.items():
        promql = promql.replace(variable, value)
    return promql


def asked(server: PrometheusServer, promql: str) -> list[Any]:
    """The result of an instant query."""
    query = urllib.parse.urlencode({"query": chosen(promql)})
    try:
        with urllib.request.urlopen(f"{server.url}/api/v1/query?{query}") as answer:
            result: list[Any] = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{promql}\n{error.read().decode()}") from None
    return result


@pytest.mark.parametrize(
    ("where", "promql"), [pytest.param(*one, id=one[0]) for one in [*of_panels(), *of_variables()]]
)
def test_what_is_drawn_has_data(server: PrometheusServer, where: str, promql: str) -> None:
    found = eventually(lambda: asked(server, promql), promql)
    assert any(sample["value"][1] != "NaN" for sample in found), found


@pytest.mark.parametrize(("where", "promql"), [pytest.param(*one, id=one[0]) for one in of_rules()])
def test_a_rule_is_one_that_prometheus_evaluates(server: PrometheusServer, where: str, promql: str) -> None:
    asked(server, promql)


def test_prometheus_evaluates_all_rules_without_an_error(server: PrometheusServer) -> None:
    with urllib.request.urlopen(f"{server.url}/api/v1/rules") as answer:
        loaded = json.load(answer)["data"]["groups"]
    health = {rule["name"]: (rule["health"], rule.get("lastError")) for group in loaded for rule in group["rules"]}
    assert health
    assert all(state in ("ok", "unknown") for state, _ in health.values()), health


def test_dashboards_with_their_data_have_no_empty_panel(server: PrometheusServer, tmp_path: Path) -> None:
    names = ("fleet", "claim")
    about = ("--namespace", "team-a", "--deployment", "chat", "--claim", "kv", "--only", *names)
    asked = ("--minutes", "1", "--rate-interval", "10s", "--data-only")
    # A rate needs two scrapes, which a busy machine may make late.
    eventually(lambda: main([server.url, str(tmp_path), *about, *asked]) == 0, "every panel has data")
    for name in names:
        panels = json.loads((tmp_path / f"{name}.json").read_text())["panels"]
        assert all(panel["frames"] for panel in panels if panel["panel"]["type"] != "row")


def test_a_mark_tells_an_edit_of_the_spec_from_a_turn_of_the_operator(tmp_path: Path) -> None:
    generation = 'cake_operator_generation{namespace="team-a",cake_dev_deployment="chat",of="%s"}'
    series = [
        {"series": generation % "spec", "values": "1x79 2x160"},
        {"series": generation % "balance", "values": "1x79 2x79 3x80"},
    ]
    marks = {name: chosen(promql) for name, promql in of_marks()}
    edited, turned = marks["spec edited by somebody"], marks["knobs turned by the operator"]
    whose = '{namespace="team-a",cake_dev_deployment="chat"}'
    found = [{"labels": whose, "value": 1}]
    # Both change after 20 minutes, the balance alone after 40.
    expected = [(edited, "21m", found), (turned, "21m", []), (edited, "41m", []), (turned, "41m", found)]
    test = {
        "interval": "15s",
        "input_series": series,
        "promql_expr_test": [
            {"expr": expr, "eval_time": moment, "exp_samples": samples} for expr, moment, samples in expected
        ],
    }
    done = promtool.run([], test, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
