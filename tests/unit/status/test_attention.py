"""Status waits for Kubernetes to look at a Deployment, and no longer than a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cake_operator.status.attention import LEAST, MOST, Attention, is_overlooked, overlooked_since

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EARLIER = NOW - timedelta(seconds=5)


def deployment(generation: int, observed: int | None) -> dict[str, Any]:
    return {
        "metadata": {"generation": generation},
        "status": {} if observed is None else {"observedGeneration": observed},
    }


LOOKS: dict[str, tuple[dict[str, Any] | None, bool]] = {
    "none is there": (None, False),
    "it is new": (deployment(1, None), True),
    "its spec is another": (deployment(3, 2), True),
    "it was looked at": (deployment(3, 3), False),
}


@pytest.mark.parametrize("which", LOOKS)
def test_a_deployment_is_overlooked_while_its_status_is_of_an_older_spec(which: str) -> None:
    found, overlooked = LOOKS[which]
    assert is_overlooked(found) == overlooked
    assert overlooked_since(None, found, NOW) == (NOW if overlooked else None)
    assert overlooked_since(EARLIER, found, NOW) == (EARLIER if overlooked else None)


TOOK: dict[str, tuple[list[float], float]] = {
    "nothing is known": ([], 1),
    "it is quick": ([0.02, 0.1], 1),
    "it is slow": ([0.1, 3], 6),
    "it was away for an hour": ([3600], 30),
    "it has become quick again": ([3, *([0.1] * 50)], 1),
    "one quick look among slow ones": ([3, 0.1, 3], 6),
}


@pytest.mark.parametrize("which", TOOK)
def test_status_waits_for_kubernetes_as_long_as_it_was_found_to_need(which: str) -> None:
    took, expected = TOOK[which]
    attention = Attention()
    for seconds in took:
        attention.took(timedelta(seconds=seconds))
    assert attention.patience(urgent=False) == timedelta(seconds=expected)
    assert LEAST <= attention.patience(urgent=False) <= MOST
    assert attention.patience(urgent=True) == LEAST
