"""The whole status, and that it stands still while nothing happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cake_engine.config import Knobs, LiveConfig
from cake_operator.api import CakeDeployment, CakeDeploymentStatus
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_operator.policy.confirmation import confirmation
from cake_operator.policy.contention import Contention
from cake_operator.policy.decision import Decision
from cake_operator.policy.slo import judge
from cake_operator.status.report import Findings, report, report_invalid
from cake_operator.status.starts import Starts
from cake_operator.status.troubles import Trouble
from tests.unit.api.specs import FIVE_FIELDS, merged

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
RESOURCE = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"slo": {"ttft": {"target": "1s"}}}}))


def measured(ttft: float, meeting_point: float) -> DeploymentSnapshot:
    return DeploymentSnapshot(
        ttft=Figure.present(ttft, 5),
        meeting_point=Figure.present(meeting_point, 5),
        predicted_meeting_point=Figure.present(meeting_point - 0.05, 5),
        generations={"a": 2, "b": 2},
    )


def findings(snapshot: DeploymentSnapshot, **more: Any) -> Findings:
    return Findings(
        **{
            "deployment": {
                "metadata": {"generation": 1},
                "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2},
            },
            "pods": [],
            "wanted": 2,
            "snapshot": snapshot,
            "metrics_error": None,
            "claims": [],
            "tiers": [],
            "failures": [],
            "scaling": Decision(2, "TTFT p90 is 410 ms of 1.00 s, 5 s old: 2 replicas will do", True, NOW),
            "balance": Decision(Knobs(retain_from=0.1), "p10 of 50 meeting points is 0.20, 5 s old", True, NOW),
            "recommendation": None,
            "live": LiveConfig(generation=2, retain_from=0.1),
            "confirmation": confirmation(snapshot, ["a", "b"], 2),
            "slo": judge(RESOURCE.spec.slo, snapshot, ready=2),
            "contention": Contention(),
        }
        | more
    )


CALM = measured(0.41, 0.35)


LOADING: dict[str, Any] = {
    "metadata": {"name": "a"},
    "status": {"containerStatuses": [{"name": "engine", "state": {"running": {"startedAt": "2026-01-01T00:00:10Z"}}}]},
}


def truths(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def test_starts_are_told_of_with_what_they_are_allowed() -> None:
    deployment = {
        "metadata": {"generation": 1, "annotations": {"cake.dev/startup-seconds": "1800"}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 1},
    }
    starts = Starts({"a": "2026-01-01T00:00:10Z"}, 42)
    status = report(RESOURCE, 3, {}, findings(CALM, deployment=deployment, pods=[LOADING], starts=starts), NOW)
    assert status["startup"] == {"longestSeconds": 42, "allowedSeconds": 1800}
    (message,) = [one["message"] for one in status["conditions"] if one["type"] == "Progressing"]
    assert "1 loading the model, the first since 2026-01-01T00:00:10Z, the longest start seen took 42 s" in message
    CakeDeploymentStatus.model_validate(status)


def test_a_fleet_that_is_well_is_told_of_in_full() -> None:
    status = report(RESOURCE, 3, {}, findings(CALM), NOW)
    conditions = status.pop("conditions")
    assert status == {
        "observedGeneration": 3,
        "replicas": 2,
        "readyReplicas": 2,
        "selector": "app.kubernetes.io/name=cake-engine,cake.dev/deployment=chat",
        "slo": {"ttft": "0.41s", "state": "Met"},
        "scaling": {
            "desiredReplicas": 2,
            "reason": "TTFT p90 is 410 ms of 1.00 s, 5 s old: 2 replicas will do",
            "valid": True,
        },
        "balance": {
            "mode": "Adaptive",
            "generation": 2,
            "confirmedGeneration": 2,
            "retainFrom": 0.1,
            "meetingPoint": 0.35,
            "predictedMeetingPoint": 0.3,
            "reason": "p10 of 50 meeting points is 0.20, 5 s old",
        },
    }
    assert truths({"conditions": conditions}) == {
        "Ready": ("True", "Serving"),
        "Progressing": ("False", "Complete"),
        "SLOMet": ("True", "Met"),
        "MetricsAvailable": ("True", "Scraped"),
        "BalanceApplied": ("True", "Confirmed"),
        "TierDegraded": ("False", "TiersUsable"),
        "ReplicasContested": ("False", "OneWriter"),
    }


def test_every_field_of_the_status_is_in_the_schema() -> None:
    recommended = findings(CALM, recommendation=Knobs(write_bandwidth_bytes_per_second={"shared": 2.0**20}))
    status = report(RESOURCE, 3, {}, recommended, NOW)
    read = CakeDeploymentStatus.model_validate(status)
    assert read.model_dump(by_alias=True, mode="json", exclude_none=True) == merged(
        status, {"balance": {"recommendation": {"loadBandwidth": {}}}}
    )


def test_figures_that_move_a_little_write_nothing() -> None:
    before = report(RESOURCE, 3, {}, findings(CALM), NOW)
    moved = findings(
        measured(0.43, 0.41),
        scaling=Decision(2, "TTFT p90 is 430 ms of 1.00 s, 9 s old: 2 replicas will do", True, LATER),
        balance=Decision(Knobs(retain_from=0.1), "p10 of 51 meeting points is 0.21, 9 s old", True, LATER),
    )
    assert report(RESOURCE, 3, before, moved, LATER) == before


def test_a_decision_for_lack_of_figures_is_written_though_its_value_is_the_same() -> None:
    before = report(RESOURCE, 3, {}, findings(CALM), NOW)
    held = findings(CALM, scaling=Decision(2, "TTFT p90 is absent", False, LATER))
    assert report(RESOURCE, 3, before, held, LATER)["scaling"]["valid"] is False


GONE = DeploymentSnapshot()
TURNS: dict[str, tuple[dict[str, Any], DeploymentSnapshot, str, tuple[str, str]]] = {
    "Prometheus is away": (
        {"metrics_error": "cannot be reached"},
        GONE,
        "MetricsAvailable",
        ("False", "PrometheusFailed"),
    ),
    "no pod is scraped": ({}, GONE, "MetricsAvailable", ("Unknown", "NoSeries")),
    "nothing is known of the SLO": ({}, GONE, "SLOMet", ("Unknown", "NoFigures")),
    "the SLO is missed": ({}, measured(1.4, 0.3), "SLOMet", ("False", "Missed")),
    "a pod is behind": ({}, replace(CALM, generations={"a": 2, "b": 1}), "BalanceApplied", ("False", "Waiting")),
    "a tier is full": (
        {"tiers": [Trouble("TierFull", "no room")]},
        CALM,
        "TierDegraded",
        ("True", "TierFull"),
    ),
    "a tier is full, and a rollout is through all the same": (
        {"tiers": [Trouble("TierFull", "no room")]},
        CALM,
        "Progressing",
        ("False", "Complete"),
    ),
    "another one scales": (
        {"contention": Contention("hpa keeps setting it", "hpa")},
        CALM,
        "ReplicasContested",
        ("True", "TwoWriters"),
    ),
}


@pytest.mark.parametrize("which", TURNS)
def test_a_condition_turns_with_what_it_is_about(which: str) -> None:
    more, snapshot, kind, expected = TURNS[which]
    assert truths(report(RESOURCE, 3, {}, findings(snapshot, **more), NOW))[kind] == expected


def test_the_last_confirmed_generation_is_remembered_while_nobody_tells() -> None:
    before = report(RESOURCE, 3, {}, findings(CALM), NOW)
    silent = findings(GONE, live=LiveConfig(generation=3), confirmation=confirmation(GONE, ["a"], 3))
    assert report(RESOURCE, 3, before, silent, LATER)["balance"]["confirmedGeneration"] == 2


def test_a_live_configuration_that_the_cluster_does_not_have_uses_no_generation_up() -> None:
    before = report(RESOURCE, 3, {}, findings(CALM), NOW)
    assert report(RESOURCE, 3, before, findings(CALM, live=None), LATER) == before
    assert "generation" not in report(RESOURCE, 3, {}, findings(CALM, live=None), NOW)["balance"]


def test_a_spec_that_cannot_be_read_leaves_the_figures_and_says_what_is_wrong() -> None:
    before = report(RESOURCE, 3, {}, findings(CALM), NOW)
    status = report_invalid(4, before, "spec.kvTiers: no", LATER)
    assert truths(status) == truths(before) | {
        "Ready": ("Unknown", "InvalidSpec"),
        "Progressing": ("False", "InvalidSpec"),
    }
    assert (status["observedGeneration"], status["balance"]) == (4, before["balance"])
    assert truths(report_invalid(1, {}, "spec.kvTiers: no", NOW))["Ready"] == ("False", "InvalidSpec")
