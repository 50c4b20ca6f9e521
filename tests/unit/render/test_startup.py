"""How long a start may take: what the user says, or what was measured, without a restart for its sake."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.api import CakeDeployment
from cake_operator.render.deployment import deployment
from cake_operator.render.startup import allowance_of
from tests.unit.api.specs import FIVE_FIELDS, merged
from tests.unit.render.golden import SETTINGS

Object = dict[str, Any]
LONGEST = st.none() | st.integers(1, 10**6)


def made(present: Object | None = None, longest: int | None = None, **engine: Any) -> Object:
    resource = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"engine": engine}}))
    return deployment(resource, 1, SETTINGS, present=present, longest_start=longest)


def allowed(made: Object) -> int:
    """What the kubelet gives a start."""
    probe = made["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
    return int(probe["periodSeconds"] * probe["failureThreshold"])


ALLOWED: dict[str, tuple[Object, int | None, int]] = {
    "nothing seen": ({}, None, 1800),
    "starts are short": ({}, 40, 1800),
    "starts are long": ({}, 1500, 4500),
    "the user says it": ({"startupTimeout": "10m"}, None, 600),
    "the user says it, though starts are long": ({"startupTimeout": "10m"}, 1500, 600),
}


@pytest.mark.parametrize("which", ALLOWED)
def test_a_new_template_has_what_the_user_says_or_three_times_the_longest_start(which: str) -> None:
    engine, longest, seconds = ALLOWED[which]
    new = made(None, longest, **engine)
    assert (allowed(new), allowance_of(new)) == (seconds, seconds)
    assert new["spec"]["progressDeadlineSeconds"] == seconds + 600


@given(before=LONGEST, after=LONGEST)
def test_a_measured_start_replaces_no_pod(before: int | None, after: int | None) -> None:
    present = made(None, before)
    assert made(present, after) == present


@given(before=LONGEST, after=LONGEST)
def test_what_was_measured_is_taken_up_with_the_next_change_of_the_pods(before: int | None, after: int | None) -> None:
    changed = made(made(None, before), after, args=["--seed=1"])
    assert changed == made(None, after, args=["--seed=1"])


def test_a_timeout_that_is_written_holds_at_once_and_one_that_is_taken_out_does_not_stay() -> None:
    written = made(made(None, 1500), 1500, startupTimeout="2h")
    assert allowed(written) == 7200
    assert allowed(made(written, 1500)) == 4500


def test_a_probe_that_was_edited_by_hand_is_undone() -> None:
    present = made(None, 1500)
    edited = made(None, 1500)
    edited["spec"]["template"]["spec"]["containers"][0]["startupProbe"]["failureThreshold"] = 1
    assert made(edited, 1500) == present


@pytest.mark.parametrize("annotations", [None, {}, {"cake.dev/startup-seconds": "soon"}])
def test_a_deployment_that_remembers_nothing_is_given_what_a_new_one_is(annotations: Object | None) -> None:
    present = {"metadata": {"annotations": annotations}}
    assert made(present, 1500) == made(None, 1500)
    assert allowance_of(present) is None
