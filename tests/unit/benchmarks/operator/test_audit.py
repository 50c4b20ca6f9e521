"""Who wrote what, by the API server's record."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.operator.audit import AGENT, AuditTail, writes_of_operator


def event(**changed: Any) -> dict[str, Any]:
    plain = {"verb": "patch", "user": {"username": "admin"}, "userAgent": "cake-operator"}
    return {**plain, "objectRef": {"resource": "configmaps"}, **changed}


@pytest.mark.parametrize(
    "other",
    [
        {"verb": "watch"},
        {"user": {"username": "system:kube-controller-manager"}, "userAgent": "kube-controller-manager/v1"},
        {"userAgent": AGENT},
        {"userAgent": "kubectl/v1.35"},
        {"userAgent": "kube-scheduler/v1.35"},
        {"objectRef": {"resource": "leases"}},
    ],
)
def test_what_others_do_and_what_is_no_write_is_not_the_operators(other: dict[str, Any]) -> None:
    assert writes_of_operator(iter([event(), event(**other)])) == ["patch configmaps"]


def test_a_write_of_an_unknown_client_counts_as_the_operators() -> None:
    assert writes_of_operator(iter([event(userAgent="kopf/1.45")])) == ["patch configmaps"]


def test_each_event_is_told_once_even_when_the_log_is_put_aside_meanwhile(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(json.dumps({"at": 1}) + "\n")
    tail = AuditTail(tmp_path)
    tail.skip()
    with log.open("a") as lines:
        lines.write(json.dumps({"at": 2}) + "\n" + '{"at": ')
    assert [one["at"] for one in tail.events()] == [2]
    with log.open("a") as lines:
        lines.write("3}\n")
    log.rename(tmp_path / "audit-2026-01-01T00-00-00.000.log")
    log.write_text(json.dumps({"at": 4}) + "\n")
    assert [one["at"] for one in tail.events()] == [3, 4]
    assert list(tail.events()) == []
