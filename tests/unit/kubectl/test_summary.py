"""What `kubectl cake -o json` gives to programs."""

import json
from typing import Any

import pytest

from cake_operator.kubectl.decisions import decisions
from cake_operator.kubectl.summary import summary
from tests.unit.kubectl.recorded import CHAT, EVENTS, NEW, chat, condition


def test_a_summary_has_what_spec_and_status_say_of_it() -> None:
    found = summary(CHAT)
    assert json.loads(json.dumps(found)) == found
    assert (found["model"], found["tenant"]) == ("smollm2", "search")
    assert found["replicas"] == {
        "desired": 3,
        "running": 3,
        "ready": 2,
        "least": 1,
        "most": 4,
        "reason": "TTFT p95 is 1.4 s of 1 s: one more",
        "valid": True,
    }
    assert found["slo"] == {
        "state": "Missed",
        "targets": [
            {"latency": "ttft", "percentile": 95, "target": "1s", "measured": "1.4s"},
            {"latency": "interTokenLatency", "percentile": 90, "target": "50ms"},
        ],
    }
    assert [(tier["name"], tier["capacity"], tier["where"]) for tier in found["tiers"]] == [
        ("memory", "4Gi", "memory of each pod"),
        ("scratch", "20Gi", "scratch space of each node"),
        ("shared", "107374182400", "claim kv, folder chat"),
        ("made", "1T", "claim chat-made"),
    ]
    assert found["balance"] == {"tuning": "Recommend", **CHAT["status"]["balance"]}


def test_of_what_is_new_only_what_was_written_is_told() -> None:
    found = summary(NEW)
    assert found["replicas"] == {"fixed": 2}
    assert found["slo"] == {"state": "Unknown", "targets": []}
    assert (found["conditions"], found["balance"]) == ([], {})
    assert not {"observedGeneration", "tenant"} & found.keys()


WELL: dict[str, tuple[dict[str, Any], bool | None]] = {
    "serving": (condition("Ready", "True", "Serving", ""), True),
    "not serving": (condition("Ready", "False", "Starting", ""), False),
    "a tier that is degraded": (condition("TierDegraded", "True", "TierFull", ""), False),
    "nobody knows": (condition("SLOMet", "Unknown", "NoFigures", ""), None),
    "on the way": (condition("Progressing", "True", "RollingOut", ""), None),
    "there": (condition("Progressing", "False", "Complete", ""), True),
    "stuck": (condition("Progressing", "False", "ErrImagePull", ""), False),
    "of a newer operator": (condition("Brewing", "True", "Coffee", ""), None),
}


@pytest.mark.parametrize("which", WELL)
def test_a_condition_is_well_ill_or_open(which: str) -> None:
    one, well = WELL[which]
    (found,) = summary(chat(conditions=[one]))["conditions"]
    assert found["well"] is well


def test_decisions_come_in_the_order_in_which_they_last_happened() -> None:
    assert decisions(EVENTS) == [
        {
            "at": "2026-01-01T11:50:00Z",
            "count": 1,
            "reason": "Scaled",
            "message": "from 2 to 3 replicas: TTFT p95 is 1.4 s of 1 s: one more",
            "warning": False,
        },
        {"at": "2026-01-01T11:55:00Z", "count": 1, "reason": "KnobsChanged", "message": "", "warning": False},
        {
            "at": "2026-01-01T11:58:00Z",
            "count": 3,
            "reason": "Unschedulable",
            "message": "pod chat-7: 3 Insufficient nvidia.com/gpu",
            "warning": True,
        },
    ]
