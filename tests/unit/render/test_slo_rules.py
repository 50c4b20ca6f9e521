"""The rules of one CakeDeployment as objects; what they do with figures is tested with promtool in tests/cluster."""

import re
from datetime import timedelta
from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from cake_operator.render.prometheus_rule import RuleSettings, prometheus_rules
from cake_operator.render.slo_rules import slo_groups

MINUTE = timedelta(minutes=1)


def cake(slo: dict[str, Any] | None, **metadata: str) -> CakeDeployment:
    model = {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}}
    spec = {"model": model} | ({} if slo is None else {"slo": slo})
    return CakeDeployment.model_validate({"metadata": {"name": "chat", "namespace": "team-a"} | metadata, "spec": spec})


def rules(slo: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in slo_groups(cake(slo), MINUTE) for rule in group["rules"]]


def recorded(slo: dict[str, Any], name: str, **labels: str) -> str:
    (found,) = (
        rule["expr"]
        for rule in rules(slo)
        if rule.get("record") == name and labels.items() <= rule.get("labels", {}).items()
    )
    return str(found)


def test_every_series_is_that_of_the_cakedeployment_alone() -> None:
    slo = {"ttft": {"target": "1s"}, "interTokenLatency": {"target": "50ms"}}
    for rule in rules(slo):
        selectors = re.findall(r"\w\{([^}]*)\}", rule["expr"])
        assert selectors
        for selector in selectors:
            assert {'namespace="team-a"', 'cake_dev_deployment="chat"'} <= set(selector.split(","))


@pytest.mark.parametrize(
    ("percentile", "target", "quantile", "seconds"),
    [(90, "1s", "0.9", "1"), (99, "75ms", "0.99", "0.075"), (50, "1m30s", "0.5", "90")],
)
def test_a_latency_is_judged_at_its_own_percentile_and_target(
    percentile: int, target: str, quantile: str, seconds: str
) -> None:
    slo = {"ttft": {"percentile": percentile, "target": target}}
    assert recorded(slo, "cake:slo_latency_seconds").startswith(f"histogram_quantile({quantile}, ")
    assert f"> bool {seconds})" in recorded(slo, "cake:slo_latency_missed", latency="ttft")


def test_a_stall_is_one_only_after_the_target_has_passed() -> None:
    assert "[90000ms]" in recorded({"ttft": {"target": "90s"}}, "cake:slo_latency_missed")
    assert "[60000ms]" in recorded({"ttft": {"target": "1s"}}, "cake:slo_latency_missed")


def test_the_budget_is_in_minutes_of_the_window() -> None:
    slo = {"ttft": {"target": "1s"}, "objective": "99.9%", "window": "7d"}
    assert recorded(slo, "cake:slo_budget_left_ratio").endswith("[7d]) / 10.08")


def test_only_latencies_that_are_promised_are_judged() -> None:
    latencies = {
        rule["labels"]["latency"]
        for rule in rules({"interTokenLatency": {"target": "50ms"}})
        if "latency" in rule.get("labels", {})
    }
    assert latencies == {"inter_token_latency"}


def test_without_an_objective_or_without_the_kind_there_is_no_prometheusrule() -> None:
    assert slo_groups(cake(None), MINUTE) == []
    assert prometheus_rules(cake(None), RuleSettings()) == []
    assert prometheus_rules(cake({"ttft": {"target": "1s"}}), None) == []


def test_the_prometheusrule_goes_with_its_owner_and_has_the_labels_that_prometheus_selects() -> None:
    settings = RuleSettings(labels={"release": "stack", "cake.dev/deployment": "other"}, runbooks="https://wiki/")
    (rule,) = prometheus_rules(cake({"ttft": {"target": "1s"}}, uid="u"), settings)
    assert (rule["kind"], rule["metadata"]["name"]) == ("PrometheusRule", "chat-slo")
    assert rule["metadata"]["labels"].items() >= {"release": "stack", "cake.dev/deployment": "chat"}.items()
    assert rule["metadata"]["ownerReferences"][0]["uid"] == "u"
    alerts = [one for group in rule["spec"]["groups"] for one in group["rules"] if "alert" in one]
    assert {one["annotations"]["runbook_url"] for one in alerts} == {"https://wiki/CakeSLOBudgetBurn.md"}


def test_a_namespace_cannot_leave_its_quotes() -> None:
    hostile = cake({"ttft": {"target": "1s"}}, namespace='x"} or vector(1) or y{z="')
    for group in slo_groups(hostile, MINUTE):
        for rule in group["rules"]:
            assert "vector(1)" not in re.sub(r'"(\\.|[^"\\])*"', "", rule["expr"])


def test_two_cakedeployments_of_one_name_have_groups_of_different_names() -> None:
    slo = {"ttft": {"target": "1s"}}
    names = [group["name"] for space in ("a", "b") for group in slo_groups(cake(slo, namespace=space), MINUTE)]
    assert len(set(names)) == 4
