from datetime import UTC, datetime

import pytest

from cake_operator.policy.decision import Decision

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "valid", "before", "outcome"),
    [(3, True, 2, "changed"), (3, True, 3, "kept"), (3, True, None, "changed"), (3, False, 3, "held")],
)
def test_a_decision_is_counted_by_what_came_of_it(value: int, valid: bool, before: int | None, outcome: str) -> None:
    assert Decision(value, "why", valid, NOW).outcome(before) == outcome
