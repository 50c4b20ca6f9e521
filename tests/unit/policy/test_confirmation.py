"""Whether the pods run with what was written."""

import pytest

from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.confirmation import confirmation


@pytest.mark.parametrize(
    ("reported", "ready", "state", "reached", "says"),
    [
        ({"a": 4, "b": 4}, ["a", "b"], "Confirmed", 4, "all 2 ready pods run with it"),
        ({"a": 4}, ["a"], "Confirmed", 4, "the ready pod runs with it"),
        ({"a": 4, "b": 3}, ["a", "b"], "Waiting", 3, "waits for b still with another one"),
        ({"a": 4, "b": 3}, ["a"], "Confirmed", 4, "the ready pod runs"),  # b is on its way out
        ({"a": 4}, ["a", "b"], "Waiting", None, "waits for b not reporting"),
        ({"a": 3}, ["a", "b"], "Waiting", None, "waits for a still with another one and b not reporting"),
        ({"a": 5}, ["a"], "Waiting", 5, "waits for a still with another one"),
        ({"a": 4}, ["b"], "Unknown", None, "No ready pod (b) reports a generation"),
        ({}, ["a", "b", "c", "d", "e"], "Unknown", None, "(a, b, c and 2 more)"),
        ({"a": 4}, [], "Unknown", None, "No pod is ready"),
    ],
)
def test_a_generation_counts_once_every_ready_pod_reports_it(
    reported: dict[str, int], ready: list[str], state: str, reached: int | None, says: str
) -> None:
    found = confirmation(DeploymentSnapshot(generations=reported), ready, 4)
    assert (found.state, found.confirmed_generation, found.generation) == (state, reached, 4)
    assert found.confirmed == (state == "Confirmed")
    assert says in found.sentence
