"""What is seen of runs, and the table that is made of it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.audit import written
from tests.faults.events import Telling
from tests.faults.outcome import Outcome, row, summary, table
from tests.faults.telling import distort
from tests.faults.witness import History


def deployment(replicas: int, uid: str = "u") -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "spec": {"replicas": replicas}}


def history(*events: tuple[str, dict[str, Any]]) -> History:
    made = History()
    for event, obj in events:
        made.note(event, obj)
    return made


def test_a_fleet_that_only_grew_lost_nothing() -> None:
    seen = history(("ADDED", deployment(1)), ("MODIFIED", deployment(1)), ("MODIFIED", deployment(3)))
    assert seen.replicas == [1, 3]
    assert seen.losses(1, may_go=False) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (history(("ADDED", deployment(3)), ("MODIFIED", deployment(0)), ("MODIFIED", deployment(3))), "0 replicas"),
        (history(("ADDED", deployment(1)), ("DELETED", deployment(1))), "was deleted"),
        (history(("ADDED", deployment(1)), ("ADDED", deployment(1, "other"))), "made anew"),
    ],
)
def test_what_was_lost_on_the_way_is_said(seen: History, said: str) -> None:
    assert any(said in one for one in seen.losses(1, may_go=False))


def test_a_deployment_that_was_to_go_may_go() -> None:
    assert history(("ADDED", deployment(1)), ("DELETED", deployment(1))).losses(0, may_go=True) == []


def audited(verb: str, user: str = "operator", name: str = "subject-2") -> dict[str, Any]:
    path = f"/api/v1/namespaces/n/services/{name}?fieldManager=x"
    return {"user": {"username": user}, "verb": verb, "requestURI": path, "objectRef": {"namespace": "n"}}


def test_writes_of_the_operator_are_counted_by_subject() -> None:
    events = [audited("patch"), audited("get"), audited("patch", user="admin"), audited("delete", name="x")]
    assert list(written(events, "operator")) == [("n", "subject-2")]


def told(value: str = "5") -> dict[str, Any]:
    mine, other = ({"namespace": "n", "cake_dev_deployment": name} for name in ("subject-1", "subject-2"))
    return {"data": {"result": [{"metric": mine, "value": [0, value]}, {"metric": other, "value": [0, value]}]}}


@pytest.mark.parametrize(
    ("telling", "query", "values"),
    [
        (Telling.EMPTY, "sum(x)", ["5"]),
        (Telling.NAN, "sum(x)", ["NaN", "5"]),
        (Telling.NAN, "time() - max(x)", ["5", "5"]),
        (Telling.STALE, "time() - max(x)", ["605.0", "5"]),
        (Telling.STALE, "sum(x)", ["5", "5"]),
    ],
)
def test_what_prometheus_tells_is_wrong_for_one_subject_only(telling: Telling, query: str, values: list[str]) -> None:
    answer = told()
    struck = distort(answer, query, {("n", "subject-1"): telling})
    assert [one["value"][1] for one in answer["data"]["result"]] == values
    assert struck == (values != ["5", "5"])


def outcome(seed: int, writes: int = 3, *failures: str) -> Outcome:
    return Outcome("conflict", seed, "create", 2, writes, 10, failures, 1.0)


def test_the_table_has_a_row_for_each_fault_and_counts_what_failed() -> None:
    outcomes = [outcome(0), outcome(1, 9), outcome(2, 3, "lost")]
    made = row("conflict", outcomes, restarts=1, shared_failures=1)
    assert (made.runs, made.struck, made.most_writes, made.failures) == (3, 6, 9, 2)
    head, line = table([made]).splitlines()
    assert head.split()[:3] == ["fault", "runs", "struck"]
    assert line.split() == ["conflict", "3", "6", "9,", "10", "1", "2"]
    found = summary([made], outcomes)
    assert (found["fault_runs"], found["fault_failures"]) == (3, 2)
    assert found["failed"] == [outcomes[2].line()]


def test_a_run_says_how_it_is_repeated() -> None:
    assert '--fault "conflict" --seed 2' in outcome(2, 3, "lost").line()
    assert "FAILED: lost" in outcome(2, 3, "lost").line()


@pytest.mark.parametrize(("struck", "writes", "said"), [(0, 3, "never came"), (1, 11, "11 writes, 10 are allowed")])
def test_a_run_that_was_not_struck_or_wrote_too_often_failed(struck: int, writes: int, said: str) -> None:
    judged = replace(outcome(0), struck=struck, writes=writes).judged()
    assert said in judged.line()
    assert outcome(0).judged() == outcome(0)
