"""What becomes of each request of a subject under a fault."""

import pytest

from tests.faults.events import Conflict, Event, Kill, Late, Lose, Refuse
from tests.faults.verdicts import LET_PASS, Judge, Verdict, subject_of, watched_plural

A, B = "/a", "/b"
REFUSED = Verdict(carried_out=False, status=429, retry_after=1)
CONFLICT = Verdict(carried_out=False, status=409)
LOST = Verdict(lost=True)

CASES: dict[str, tuple[Event | None, list[tuple[str, str]], list[Verdict]]] = {
    "no fault lets everything pass": (None, [("GET", A), ("PATCH", A)], [LET_PASS, LET_PASS]),
    "some requests in a row are refused": (
        Refuse(2, 2, 429, 1),
        [("GET", A), ("GET", A), ("PATCH", A), ("PATCH", A)],
        [LET_PASS, REFUSED, REFUSED, LET_PASS],
    ),
    "each object's first write conflicts and its second gets through": (
        Conflict(),
        [("PATCH", A), ("GET", A), ("PATCH", B), ("PATCH", A), ("PATCH", B), ("PATCH", A)],
        [CONFLICT, LET_PASS, CONFLICT, LET_PASS, LET_PASS, CONFLICT],
    ),
    "an answer is lost": (Lose((2,)), [("GET", A), ("PATCH", A), ("PATCH", A)], [LET_PASS, LOST, LET_PASS]),
    "an answer is late": (Late((1,), 5.0), [("GET", A), ("GET", A)], [Verdict(late=5.0), LET_PASS]),
    "the operator dies at a write and once only": (
        Kill(2, carried_out=False),
        [("PATCH", A), ("GET", A), ("PATCH", B), ("GET", A), ("PATCH", B)],
        [LET_PASS, LET_PASS, Verdict(carried_out=False, lost=True, kills=True), LET_PASS, LET_PASS],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_strikes_where_its_plan_says(case: str) -> None:
    event, requests, expected = CASES[case]
    judge = Judge(event)
    assert [judge.of(*request) for request in requests] == expected
    assert judge.struck == sum(verdict != LET_PASS for verdict in expected)
    assert judge.writes == sum(method == "PATCH" for method, _ in requests)


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/apis/apps/v1/namespaces/faults-429/deployments/subject-17", "subject-17"),
        ("/api/v1/namespaces/faults-429/configmaps/subject-1-tuning", "subject-1"),
        ("/api/v1/namespaces/faults-429/events/subject-1.0a1b", "subject-1"),
        ("/apis/cake.dev/v1alpha1/namespaces/x/cakedeployments/subject-3/status", "subject-3"),
        ("/api/v1/namespaces/faults-429/pods", None),
        ("/api/v1/namespaces/subject-4/pods/other", None),
        ("/apis", None),
    ],
)
def test_a_request_is_about_the_subject_whose_name_its_object_begins_with(path: str, subject: str | None) -> None:
    assert subject_of(path) == subject


def test_a_watch_is_of_what_its_path_ends_with() -> None:
    assert watched_plural("/apis/apps/v1/namespaces/x/deployments") == "deployments"
