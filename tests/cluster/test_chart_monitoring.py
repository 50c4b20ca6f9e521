"""What the chart brings for those who watch: alerts, dashboards, and the operator's right to make more. Helm alone."""

import json
from typing import Any

import pytest
import yaml

from cake_operator.configuration import Configuration
from tests.cluster.test_chart_rendering import CHART, environment, named, of_kind, render
from tests.cluster.test_scrape_configuration import documented_job

RULE_API = ["--api-versions", "monitoring.coreos.com/v1/PrometheusRule"]
FLEET_RULES = yaml.safe_load((CHART / "files/rules/cake-fleet.yaml").read_text())
DASHBOARDS = sorted((CHART / "files/dashboards").glob("*.json"))


def may_make_rules(documents: list[dict[str, Any]]) -> bool:
    return any(
        "prometheusrules" in rule["resources"] for rule in named(documents, "ClusterRole", "cake-operator")["rules"]
    )


@pytest.mark.parametrize(
    ("value", "options", "wanted"),
    [
        ("prometheusRule.enabled=auto", [], False),
        ("prometheusRule.enabled=auto", RULE_API, True),
        ("prometheusRule.enabled=true", [], True),
        ("prometheusRule.enabled=false", RULE_API, False),
    ],
)
def test_alerts_the_operators_right_and_its_order_to_make_more_come_together(
    value: str, options: list[str], wanted: bool
) -> None:
    documents = render(value, options=options)
    told = Configuration.of(environment(documents))
    assert (len(of_kind(documents, "PrometheusRule")), may_make_rules(documents), told.rules is not None) == (
        int(wanted),
        wanted,
        wanted,
    )


def test_labels_and_the_address_of_the_runbooks_reach_the_alerts_and_the_operator() -> None:
    base = "https://git.example.com/docs/runbooks/"
    documents = render(
        'prometheusRule.labels={"release": "stack", "team": "serving"}',
        f"prometheusRule.runbooks={base}",
        options=RULE_API,
    )
    (rule,) = of_kind(documents, "PrometheusRule")
    assert rule["metadata"]["labels"].items() >= {"release": "stack", "team": "serving"}.items()
    alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]
    assert all(alert["annotations"]["runbook_url"] == f"{base}{alert['alert']}.md" for alert in alerts)
    told = Configuration.of(environment(documents)).rules
    assert told is not None
    assert (told.labels, told.runbooks) == ({"release": "stack", "team": "serving"}, base)


def test_but_for_the_address_of_the_runbooks_the_alerts_are_those_of_the_plain_file() -> None:
    (rule,) = of_kind(render(options=RULE_API), "PrometheusRule")
    assert rule["spec"] == FLEET_RULES


def test_each_dashboard_is_in_a_configmap_that_the_sidecar_finds() -> None:
    assert DASHBOARDS
    for path in DASHBOARDS:
        config_map = named(render(), "ConfigMap", f"cake-operator-dashboard-{path.stem}")
        assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert config_map["metadata"]["annotations"] == {"grafana_folder": "Cake"}
        (text,) = config_map["data"].values()
        assert json.loads(text) == json.loads(path.read_text())
        assert len(text) < 900_000, "a ConfigMap holds 1 MiB at most"


def test_dashboards_are_left_out_on_request() -> None:
    assert not of_kind(render("dashboards.enabled=false"), "ConfigMap")


def test_the_operators_figures_keep_the_namespace_of_the_cakedeployment() -> None:
    monitors = of_kind(render("podMonitor.enabled=true"), "PodMonitor")
    (own,) = (one for one in monitors if one["metadata"]["name"] == "cake-operator")
    assert own["spec"]["podMetricsEndpoints"][0]["honorLabels"] is True


def test_an_engine_with_a_certificate_is_scraped_by_the_rule_that_the_page_gives() -> None:
    monitors = of_kind(render("podMonitor.enabled=true"), "PodMonitor")
    (engines,) = (one for one in monitors if one["metadata"]["name"] == "cake-operator-engine")
    (endpoint,) = engines["spec"]["podMetricsEndpoints"]
    (rule,) = endpoint["relabelings"]
    written = {"source_labels": rule["sourceLabels"], "regex": rule["regex"], "target_label": rule["targetLabel"]}
    assert written in documented_job()["relabel_configs"]
    assert endpoint["tlsConfig"] == {"insecureSkipVerify": True}
