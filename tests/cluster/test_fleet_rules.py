"""The fleet's alerts in promtool: each fires on what it is for, and not on what looks like it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cake_operator.render.fleet_rules import fleet_group
from tests.cluster import promtool

OWNER = {"namespace": "team-a", "cake_dev_deployment": "chat"}
GROUP = fleet_group()
ALERTS = sorted({rule["alert"] for rule in GROUP["rules"]})


def series(metric: str, **labels: str) -> str:
    matchers = ",".join(f'{name}="{value}"' for name, value in {**OWNER, **labels}.items())
    return f"{metric}{{{matchers}}}"


def condition(kind: str, status: str, reason: str = "Why", pod: str = "operator-1") -> str:
    return series("cake_operator_condition", type=kind, status=status, reason=reason, pod=pod)


def replicas(state: str) -> str:
    return series("cake_operator_replicas", state=state, pod="operator-1")


def engine(metric: str, **labels: str) -> str:
    return series(metric, pod="chat-1", engine="0", **labels)


@dataclass(frozen=True)
class Case:
    """What is fed, one sample a minute, and what fires at a minute.

    Attributes:
        labels: Of the alert that fires, without those that say whose it is; None where none does.
        value: What `$value` is in its texts.
    """

    alert: str
    fed: dict[str, str]
    minute: int
    labels: dict[str, str] | None = None
    value: str = "1"
    owner: dict[str, str] = field(default_factory=lambda: OWNER)


WARNING = {"severity": "warning"}
DEGRADED = {condition("TierDegraded", "True", "ClaimMissing"): "1x60"}
FAILING = engine("cake_load_fallbacks_total", reason="deadline")
READING = engine("cake_tier_read_seconds_count", tier="shared")
SKIPPED = "cake_tier_write_skips_total"
UNKNOWN = {condition("MetricsAvailable", "Unknown", "NoSeries"): "1x60"}
PROMPTS = engine("vllm:prompt_tokens_total")
LOADED = engine("cake_prefix_tokens_total", outcome="loaded", tier="memory")
AT_MAX = {
    replicas("desired"): "8x60",
    series("cake_operator_replicas_max", pod="operator-1"): "8x60",
}
MISSING = {condition("SLOMet", "False", "Missed"): "1x60"}
ACTING = 'cake_operator_acting{namespace="cake-system",pod="%s"}'
CRITICAL = {"severity": "critical"}

CASES: dict[str, Case] = {
    "a claim that cannot be used": Case(
        "CakeTierDegraded", DEGRADED, 15, {**WARNING, "cause": "claim", "reason": "ClaimMissing"}
    ),
    "a claim that could not be used for a moment": Case(
        "CakeTierDegraded", {condition("TierDegraded", "True"): "1x5 _x20"}, 15
    ),
    "a claim that can be used": Case("CakeTierDegraded", {condition("TierDegraded", "False"): "1x60"}, 15),
    "both replicas of the operator say so: one alert": Case(
        "CakeTierDegraded",
        {**DEGRADED, condition("TierDegraded", "True", "ClaimMissing", pod="operator-2"): "1x60"},
        15,
        {**WARNING, "cause": "claim", "reason": "ClaimMissing"},
    ),
    "one read of ten fails": Case(
        "CakeTierDegraded",
        {FAILING: "0+60x60", READING: "0+540x60"},
        40,
        {**WARNING, "cause": "reads"},
        "10%",
    ),
    "every read fails, and none was ever done": Case(
        "CakeTierDegraded", {FAILING: "0+60x60"}, 40, {**WARNING, "cause": "reads"}, "100%"
    ),
    "one read of a hundred fails": Case("CakeTierDegraded", {FAILING: "0+6x60", READING: "0+594x60"}, 40),
    "loads that were given up because the file was another's": Case(
        "CakeTierDegraded", {engine("cake_load_fallbacks_total", reason="lost"): "0+60x60", READING: "0+60x60"}, 40
    ),
    "a volume that is full": Case(
        "CakeTierDegraded",
        {engine(SKIPPED, tier="shared", reason="no_space"): "0+60x90"},
        60,
        {**WARNING, "cause": "writes", "tier": "shared"},
    ),
    "writes left out because the queue is full": Case(
        "CakeTierDegraded", {engine(SKIPPED, tier="shared", reason="queue_full"): "0+60x90"}, 60
    ),
    "pods that crash, now this way and now that": Case(
        "CakeNotServing",
        {
            condition("Ready", "False", "CrashLoop"): "1x9 _x8 1x20",
            condition("Ready", "False", "Starting"): "_x9 1x7 _x20",
        },
        20,
        CRITICAL,
    ),
    "a model that loads": Case("CakeNotServing", {condition("Ready", "False", "Starting"): "1x10 _x20"}, 20),
    "no pod is asked for": Case("CakeNotServing", {condition("Ready", "False", "ScaledToZero"): "1x60"}, 20),
    "one of two pods serves": Case("CakeNotServing", {condition("Ready", "True", "PartlyServing"): "1x60"}, 20),
    "a pod that runs with another generation": Case(
        "CakeEngineConfigNotApplied", {condition("BalanceApplied", "False", "Waiting"): "1x60"}, 15, WARNING
    ),
    "a kubelet that takes its two minutes": Case(
        "CakeEngineConfigNotApplied",
        {
            condition("BalanceApplied", "False", "Waiting"): "1x2 _x20",
            condition("BalanceApplied", "True", "Confirmed"): "_x2 1x20",
        },
        15,
    ),
    "pods without figures": Case("CakeMetricsMissing", {**UNKNOWN, replicas("ready"): "2x60"}, 15, WARNING),
    "a Prometheus that does not answer": Case(
        "CakeMetricsMissing",
        {condition("MetricsAvailable", "False", "PrometheusFailed"): "1x60", replicas("ready"): "2x60"},
        15,
        WARNING,
    ),
    "a fleet of none": Case("CakeMetricsMissing", {**UNKNOWN, replicas("ready"): "0x60"}, 15),
    "figures that are there": Case(
        "CakeMetricsMissing", {condition("MetricsAvailable", "True"): "1x60", replicas("ready"): "2x60"}, 15
    ),
    "nothing is loaded": Case("CakeCacheNotHelping", {PROMPTS: "0+60000x500"}, 480, {"severity": "info"}, "0%"),
    "one token of a thousand is loaded": Case(
        "CakeCacheNotHelping",
        {PROMPTS: "0+60000x500", LOADED: "0+60x500"},
        480,
        {"severity": "info"},
        "0.1%",
    ),
    "half of the tokens are loaded": Case("CakeCacheNotHelping", {PROMPTS: "0+60000x500", LOADED: "0+30000x500"}, 480),
    "next to no traffic": Case("CakeCacheNotHelping", {PROMPTS: "0+60x500"}, 480),
    "loading is switched off": Case(
        "CakeCacheNotHelping", {PROMPTS: "0+60000x500", engine("cake_mode", mode="ComputeOnly"): "1x500"}, 480
    ),
    "all replicas, and still too slow": Case("CakeScalingAtMax", {**AT_MAX, **MISSING}, 20, WARNING, "8"),
    "all replicas, and fast enough": Case(
        "CakeScalingAtMax", {**AT_MAX, condition("SLOMet", "True", "Met"): "1x60"}, 20
    ),
    "too slow with a fixed number": Case("CakeScalingAtMax", {replicas("desired"): "8x60", **MISSING}, 20),
    "too slow with room left": Case("CakeScalingAtMax", {**AT_MAX, replicas("desired"): "3x60", **MISSING}, 20),
    "nobody acts": Case(
        "CakeOperatorDown",
        {ACTING % "a": "1x5 0x20", ACTING % "b": "0x25"},
        20,
        CRITICAL,
        owner={"namespace": "cake-system"},
    ),
    "nobody is there any more": Case(
        "CakeOperatorDown", {ACTING % "a": "1x5 _x20"}, 20, CRITICAL, owner={"namespace": "cake-system"}
    ),
    "nobody was ever there": Case("CakeOperatorDown", {}, 20, CRITICAL, owner={}),
    "another one took over": Case("CakeOperatorDown", {ACTING % "a": "1x5 _x20", ACTING % "b": "0x6 1x20"}, 20),
    "one acts and one stands by": Case("CakeOperatorDown", {ACTING % "a": "1x25", ACTING % "b": "0x25"}, 20),
}


def texts(case: Case, labels: dict[str, str]) -> dict[str, str]:
    """The annotations as Prometheus should fill them in."""
    found = [
        rule for rule in GROUP["rules"] if rule["alert"] == case.alert and rule["labels"].items() <= labels.items()
    ]
    (rule,) = found

    def filled(text: str) -> str:
        text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels[match[1]], text)
        return re.sub(r"\{\{ \$value.*?\}\}", case.value, text)

    return {name: filled(text) for name, text in rule["annotations"].items()}


@pytest.mark.parametrize("which", CASES)
def test_an_alert_fires_on_what_it_is_for_and_on_nothing_else(which: str, tmp_path: Path) -> None:
    case = CASES[which]
    expected: list[dict[str, Any]] = []
    if case.labels is not None:
        labels = case.owner | case.labels
        expected = [{"exp_labels": labels, "exp_annotations": texts(case, labels)}]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.fed.items()],
        "alert_rule_test": [{"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": expected}],
    }
    done = promtool.run([GROUP], test, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_seen_firing_and_not_firing(alert: str) -> None:
    assert {case.labels is None for case in CASES.values() if case.alert == alert} == {True, False}


def test_prometheus_takes_the_rules_without_complaint(tmp_path: Path) -> None:
    done = promtool.check([GROUP], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
