"""Retention follows the low percentile of the meeting points."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.api import FractionBounds
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.retention import retain
from cake_operator.policy.tuning_law import TUNING_LAW
from tests.unit.policy.figures import ABSENT, NAN, STALE, present

ANY = FractionBounds()
fractions = st.floats(0, 1)


def met(low: float, number: float = 50) -> DeploymentSnapshot:
    return DeploymentSnapshot(meeting_point_low=present(low), meeting_points=present(number))


@pytest.mark.parametrize(
    ("current", "low", "becomes"),
    [
        (0.0, 0.05, 0.0),  # everything is loaded now and then: everything is kept
        (0.0, 0.13, 0.0),
        (0.0, 0.42, 0.05),  # a small step toward 0.32
        (0.30, 0.42, 0.30),  # close enough
        (0.25, 0.42, 0.30),
        (0.27, 0.42, 0.32),
        (0.30, 0.30, 0.20),
        (0.60, 0.10, 0.50),
        (0.05, 0.00, 0.0),
        (0.90, 1.00, 0.90),
    ],
)
def test_retention_goes_a_step_toward_a_margin_below_the_meeting_points(
    current: float, low: float, becomes: float
) -> None:
    step = retain(current, met(low), ANY, TUNING_LAW)
    assert step.retain_from == pytest.approx(becomes)
    assert step.valid
    assert f"p10 of 50 meeting points is {low:.2f}, 5 s old" in step.reason


@pytest.mark.parametrize(
    ("snapshot", "valid", "says"),
    [
        (DeploymentSnapshot(), False, "the number of meeting points is absent"),
        (replace(met(0.5), meeting_points=STALE), False, "is stale"),
        (replace(met(0.5), meeting_point_low=NAN), False, "p10 of the meeting points is not a number"),
        (replace(met(0.5), meeting_point_low=ABSENT), False, "p10 of the meeting points is absent"),
        (met(0.5, number=9), True, "9 meeting points of the 10 it takes"),
        (met(0.5, number=0), True, "0 meeting points of the 10 it takes"),
    ],
)
def test_too_little_to_go_by_changes_nothing(snapshot: DeploymentSnapshot, valid: bool, says: str) -> None:
    step = retain(0.3, snapshot, ANY, TUNING_LAW)
    assert (step.retain_from, step.valid) == (0.3, valid)
    assert says in step.reason


def test_just_enough_meeting_points_are_enough() -> None:
    assert retain(0.3, met(0.9, number=10), ANY, TUNING_LAW).retain_from == pytest.approx(0.35)


@given(fractions, fractions, fractions, fractions)
def test_retention_is_never_out_of_bounds_nor_a_big_step(current: float, low: float, one: float, other: float) -> None:
    bounds = FractionBounds(min=min(one, other), max=max(one, other))
    current = min(max(current, bounds.min), bounds.max)
    after = retain(current, met(low), bounds, TUNING_LAW).retain_from
    assert bounds.min <= after <= bounds.max
    assert current - 0.11 <= after <= current + 0.05 + 1e-9


@given(fractions, fractions, fractions)
def test_the_later_compute_and_loads_meet_the_less_is_kept(current: float, one: float, other: float) -> None:
    early, late = (retain(current, met(low), ANY, TUNING_LAW).retain_from for low in sorted((one, other)))
    assert early <= late + 1e-9


@given(fractions, fractions)
def test_constant_meeting_points_bring_retention_to_rest(start: float, low: float) -> None:
    current, path = start, [start]
    for _ in range(40):
        current = retain(current, met(low), FractionBounds(max=1.0), TUNING_LAW).retain_from
        path.append(current)
    assert path[-1] == path[-2]
    assert path == sorted(path) or path == sorted(path, reverse=True)
    assert current <= max(low - 0.05, 0.04)


def kept_by(chosen: float, prompt_over_prefix: float, start: float, looks: int = 60) -> list[float]:
    """Retention over time where tiers forget what it says, and compute would go as far as `chosen` of a stored prefix.

    Heads are forgotten by the length of whole prompts, so that of the prefix which they share more is gone: of it,
    what is gone is computed, and that is no choice.
    """
    path = [start]
    for _ in range(looks):
        gone = path[-1] * prompt_over_prefix
        path.append(retain(path[-1], met(chosen if chosen > gone else 0.0), FractionBounds(), TUNING_LAW).retain_from)
    return path


@pytest.mark.parametrize("prompt_over_prefix", [1.0, 1.5, 3.0])
def test_retention_comes_back_down_when_the_claim_gets_faster(prompt_over_prefix: float) -> None:
    slow = kept_by(0.7, prompt_over_prefix, 0.0)
    assert 0.5 < max(slow) * prompt_over_prefix < 0.7 + 0.05 * prompt_over_prefix + 1e-9
    assert kept_by(0.0, prompt_over_prefix, slow[-1])[-1] == 0.0
