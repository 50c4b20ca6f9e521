"""The rules of an objective in promtool: how a minute is judged, and when which burn rate is told of."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from cake_operator.render.slo_rules import slo_groups
from tests.cluster import promtool

LABELS = 'namespace="team-a",cake_dev_deployment="chat"'
POD = f'{LABELS},pod="chat-1",engine="0",model_name="m"'
BOUNDS = ("0.75", "1.0", "2.5", "+Inf")


def groups(**slo: Any) -> list[dict[str, Any]]:
    resource = {
        "metadata": {"name": "chat", "namespace": "team-a"},
        "spec": {"model": {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}}, "slo": slo},
    }
    return slo_groups(CakeDeployment.model_validate(resource), timedelta(minutes=1))


def requests(bounds: dict[str, float]) -> dict[str, str]:
    """TTFT by bound: of ten requests a scrape, how many were as quick as that."""
    histogram = "vllm:time_to_first_token_seconds"
    counts = {f'{histogram}_bucket{{{POD},le="{bound}"}}': counted for bound, counted in bounds.items()}
    counts[f"{histogram}_count{{{POD}}}"] = bounds["+Inf"]
    return {series: f"0+{counted}x40" for series, counted in counts.items()}


def waiting(numbers: str) -> dict[str, str]:
    return {f"vllm:num_requests_waiting{{{POD}}}": numbers}


NONE = dict.fromkeys(BOUNDS, 0.0)
JUDGED: dict[str, tuple[str, dict[str, str], list[int]]] = {
    "nine of ten within a target that is a bound: met": (
        "1s",
        requests({"0.75": 5, "1.0": 9, "2.5": 10, "+Inf": 10}) | waiting("0x40"),
        [0],
    ),
    "eight of ten: missed": ("1s", requests({"0.75": 5, "1.0": 8, "2.5": 10, "+Inf": 10}) | waiting("0x40"), [1]),
    "a target between two bounds is interpolated: met": (
        "2s",
        requests({"0.75": 5, "1.0": 8.5, "2.5": 10, "+Inf": 10}) | waiting("0x40"),
        [0],
    ),
    "a target between two bounds is interpolated: missed": (
        "2s",
        requests({"0.75": 5, "1.0": 6, "2.5": 10, "+Inf": 10}) | waiting("0x40"),
        [1],
    ),
    "nobody asks: met": ("1s", requests(NONE) | waiting("0x40"), [0]),
    "requests wait, and none gets a first token: missed": ("1s", requests(NONE) | waiting("0x20 3x20"), [1]),
    "a request that has just come: not yet": ("1s", requests(NONE) | waiting("0x39 1"), [0]),
    "requests wait, and others are served in time: met": (
        "1s",
        requests(dict.fromkeys(BOUNDS, 10.0)) | waiting("3x40"),
        [0],
    ),
    "nothing is measured: nothing is said": ("1s", {}, []),
}


def passes(test: dict[str, Any], folder: Path, **slo: Any) -> None:
    done = promtool.run(groups(**slo), test, folder)
    assert done.returncode == 0, done.stdout + done.stderr


def series(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": numbers} for name, numbers in values.items()]


@pytest.mark.parametrize("which", JUDGED)
def test_a_minute_is_judged_as_the_condition_slomet_is(which: str, tmp_path: Path) -> None:
    target, values, expected = JUDGED[which]
    asked = {
        "expr": "cake:slo_missed",
        "eval_time": "10m",
        "exp_samples": [{"labels": f"cake:slo_missed{{{LABELS}}}", "value": value} for value in expected],
    }
    test = {"interval": "15s", "input_series": series(values), "promql_expr_test": [asked]}
    passes(test, tmp_path, ttft={"target": target})


def every(period: int, minutes: int) -> str:
    """Of so many minutes, one in each period missed the target: the last one did."""
    return " ".join("0" if (minutes - 1 - minute) % period else "1" for minute in range(minutes))


# An objective over 12 days: its windows are two fifths of the workbook's, and take promtool a sixth of the time.
BURNING: dict[str, tuple[str, int, dict[str, str]]] = {
    "four minutes of 24: somebody is woken": ("0x19 1x3", 23, {"24m": "critical"}),
    "three minutes: not yet": ("0x20 1x2", 23, {}),
    "three minutes after it has ended: no more": ("0x19 1x3 0x3", 26, {}),
    "every 15th minute for a while: somebody is woken": (every(15, 144), 143, {"2h24m": "critical"}),
    "every 30th minute for hours: tickets": (every(30, 576), 575, {"9h36m": "warning", "1d4h48m": "warning"}),
    "every 55th minute for most of a day: a ticket": (every(55, 1000), 999, {"1d4h48m": "warning"}),
    "every 200th minute: within the budget": (every(200, 576), 575, {}),
    "the first minutes of a new fleet: no page for one of them": ("1 0x5", 5, {}),
}


@pytest.mark.parametrize("which", BURNING)
def test_a_burn_rate_is_told_of_by_the_window_that_shows_it(which: str, tmp_path: Path) -> None:
    missed, minute, expected = BURNING[which]
    firing = [
        f'{{__name__="ALERTS",alertname="CakeSLOBudgetBurn",alertstate="firing",{LABELS},severity="{severity}",window="{window}"}}'
        for window, severity in expected.items()
    ]
    asked = {
        "expr": 'ALERTS{alertstate="firing"}',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": labels, "value": 1} for labels in firing],
    }
    fed = {f"cake:slo_missed{{{LABELS}}}": missed}
    passes(
        {"interval": "1m", "input_series": series(fed), "promql_expr_test": [asked]},
        tmp_path,
        ttft={"target": "1s"},
        window="12d",
    )


def test_what_is_left_of_the_budget_is_counted_in_minutes_of_the_whole_window(tmp_path: Path) -> None:
    # 1% of a day is 14.4 minutes: the 6 missed since it began are two fifths of it.
    fed = {f"cake:slo_missed{{{LABELS}}}": "1x5 0x53"}
    asked = [
        {"expr": f"{name}", "eval_time": "60m", "exp_samples": [{"labels": f"{name}{{{LABELS}}}", "value": value}]}
        for name, value in (("cake:slo_budget_left_ratio", 1 - 6 / 14.4), ("cake:slo_attainment_ratio", 0.9))
    ]
    test = {"interval": "1m", "input_series": series(fed), "promql_expr_test": asked}
    passes(test, tmp_path, ttft={"target": "1s"}, window="1d")


@pytest.mark.parametrize(
    "slo",
    [
        {"ttft": {"target": "1s"}},
        {"interTokenLatency": {"target": "33ms", "percentile": 99}, "objective": "90%", "window": "7d"},
        {"ttft": {"target": "1s"}, "interTokenLatency": {"target": "50ms"}, "objective": "99.95%", "window": "90d"},
    ],
)
def test_prometheus_takes_the_rules_without_complaint(slo: dict[str, Any], tmp_path: Path) -> None:
    done = promtool.check(groups(**slo), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alert_says_what_was_promised_and_how_far_off_it_is(tmp_path: Path) -> None:
    expected = {
        "exp_labels": {
            "namespace": "team-a",
            "cake_dev_deployment": "chat",
            "severity": "critical",
            "window": "1h",
        },
        "exp_annotations": {
            "summary": "CakeDeployment team-a/chat spends its error budget 14.4 times too fast",
            "description": "In the last 1h the targets (p95 of ttft at or below 750ms) were missed 16.67 times as "
            "often as 99% of 30d allows, and still are.",
            "runbook_url": "docs/runbooks/CakeSLOBudgetBurn.md",
        },
    }
    test = {
        "interval": "1m",
        "input_series": series({f"cake:slo_missed{{{LABELS}}}": "0x59 1x9"}),
        "alert_rule_test": [{"eval_time": "69m", "alertname": "CakeSLOBudgetBurn", "exp_alerts": [expected]}],
    }
    passes(test, tmp_path, ttft={"target": "750ms", "percentile": 95})
