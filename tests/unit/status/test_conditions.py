from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cake_operator.status.conditions import Condition, ConditionType, Truth, merged, timestamp

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = THEN + timedelta(hours=1)
READY = Condition(ConditionType.READY, Truth.TRUE, "Serving", "1 of 1 pods take requests")


def test_a_condition_has_what_kubernetes_asks_for() -> None:
    assert merged([], [READY], 3, THEN) == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Serving",
            "message": "1 of 1 pods take requests",
            "observedGeneration": 3,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("after", "moved"),
    [
        (READY, False),
        (Condition(ConditionType.READY, Truth.TRUE, "PartlyServing", "1 of 2"), False),
        (Condition(ConditionType.READY, Truth.FALSE, "Starting", "none"), True),
    ],
)
def test_the_time_is_that_of_the_last_turn(after: Condition, moved: bool) -> None:
    before = merged([], [READY], 1, THEN)
    assert merged(before, [after], 2, NOW)[0]["lastTransitionTime"] == timestamp(NOW if moved else THEN)


def test_a_condition_that_somebody_else_left_half_is_made_whole() -> None:
    measured = replace(READY, measured=True)
    for half in ({"type": "Ready", "status": "True"}, {"type": "Ready", "status": "True", "reason": "Serving"}):
        assert merged([half], [measured], 3, THEN) == merged([], [READY], 3, THEN)


def test_figures_alone_do_not_change_a_message() -> None:
    def met(ttft: str) -> Condition:
        return Condition(ConditionType.SLO_MET, Truth.TRUE, "Met", f"TTFT is {ttft} s", measured=True)

    before = merged([], [met("0.41")], 1, THEN)
    assert merged(before, [met("0.39")], 1, NOW) == before


def test_counted_things_are_told_of_exactly() -> None:
    def ready(pods: int) -> Condition:
        return Condition(ConditionType.READY, Truth.TRUE, "PartlyServing", f"{pods} of 3 pods take requests")

    assert merged(merged([], [ready(1)], 1, THEN), [ready(2)], 1, NOW)[0]["message"].startswith("2 of 3")


def test_a_condition_that_is_no_longer_told_of_goes() -> None:
    assert merged(merged([], [READY], 1, THEN), [], 2, NOW) == []
