"""What /metrics says of each CakeDeployment is what its spec and status say."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cake_operator.apply.cache import Cache
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.fleet_metrics import FLEET, FleetCollector

SLO = {
    "ttft": {"percentile": 95, "target": "750ms"},
    "interTokenLatency": {"percentile": 90, "target": "50ms"},
    "objective": "99.5%",
}
STATUS = {
    "readyReplicas": 2,
    "conditions": [{"type": "TierDegraded", "status": "True", "reason": "ClaimMissing", "message": "x"}],
    "scaling": {"desiredReplicas": 3},
    "balance": {"generation": 7, "confirmedGeneration": 6},
}
CLAIMS = [
    {"name": "memory", "memory": {}, "capacity": "1Gi"},
    {"name": "mine", "persistentVolumeClaim": {"template": {}}, "capacity": "1Gi"},
    {"name": "shared", "persistentVolumeClaim": {"claimName": "kv"}, "capacity": "1Gi"},
]

CASES: dict[str, tuple[dict[str, Any], set[tuple[str, tuple[str, ...], float]]]] = {
    "nothing is said before there is a status": ({}, {("cake_operator_generation", ("spec",), 4)}),
    "conditions, replicas and generations of the status": (
        {"status": STATUS},
        {
            ("cake_operator_condition", ("ClaimMissing", "True", "TierDegraded"), 1),
            ("cake_operator_replicas", ("desired",), 3),
            ("cake_operator_replicas", ("ready",), 2),
            ("cake_operator_generation", ("spec",), 4),
            ("cake_operator_generation", ("balance",), 7),
            ("cake_operator_generation", ("balance_confirmed",), 6),
        },
    ),
    "targets in seconds, and the objective": (
        {"spec": {"slo": SLO}},
        {
            ("cake_operator_slo_target_seconds", ("ttft", "95"), 0.75),
            ("cake_operator_slo_target_seconds", ("inter_token_latency", "90"), 0.05),
            ("cake_operator_slo_objective_ratio", (), 0.995),
            ("cake_operator_generation", ("spec",), 4),
        },
    ),
    "an objective that older rules let in says nothing": (
        {"spec": {"slo": {"ttft": {"target": "soon"}}, "scaling": "much", "kvTiers": ["memory"]}},
        {("cake_operator_generation", ("spec",), 4)},
    ),
    "the bound of scaling by the objective": (
        {"spec": {"slo": {"ttft": {"target": "1s"}}, "scaling": {"minReplicas": 1, "maxReplicas": 8}}},
        {
            ("cake_operator_replicas_max", (), 8),
            ("cake_operator_slo_target_seconds", ("ttft", "90"), 1),
            ("cake_operator_slo_objective_ratio", (), 0.99),
            ("cake_operator_generation", ("spec",), 4),
        },
    ),
    "no bound where the number is fixed": (
        {"spec": {"replicas": 8, "scaling": {"minReplicas": 1, "maxReplicas": 8}}},
        {("cake_operator_generation", ("spec",), 4)},
    ),
    "claims by their names in the cluster": (
        {"spec": {"kvTiers": CLAIMS}},
        {
            ("cake_operator_tier_claim", ("chat-mine", "mine"), 1),
            ("cake_operator_tier_claim", ("kv", "shared"), 1),
            ("cake_operator_generation", ("spec",), 4),
        },
    ),
}


def scraped(*stored: dict[str, Any]) -> str:
    cache = Cache()
    for version, one in enumerate(stored, start=1):
        meta = {"namespace": "team-a", "name": "chat", "generation": 4, "resourceVersion": str(version)}
        cache.put(CAKE_DEPLOYMENTS, {**one, "metadata": {**meta, **one.get("metadata", {})}})
    registry = CollectorRegistry()
    registry.register(FleetCollector(cache))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("which", CASES)
def test_a_cakedeployment_is_told_of_as_its_spec_and_status_say(which: str) -> None:
    stored, expected = CASES[which]
    found = set()
    for family in text_string_to_metric_families(scraped(stored)):
        for name, labels, value, *_ in family.samples:
            assert (labels.pop("namespace"), labels.pop("cake_dev_deployment")) == ("team-a", "chat")
            found.add((name, tuple(labels[label] for label in sorted(labels)), value))
    assert found == expected


def test_two_of_one_name_in_two_namespaces_are_two() -> None:
    text = scraped({"status": STATUS}, {"status": STATUS, "metadata": {"namespace": "team-b"}})
    assert text.count("cake_operator_replicas{") == 4


def test_without_cakedeployments_every_gauge_is_named_and_has_no_series() -> None:
    families = list(text_string_to_metric_families(scraped()))
    assert {family.name for family in families} == {gauge.name for gauge in FLEET}
    assert not any(family.samples for family in families)
