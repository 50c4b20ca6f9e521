"""How a rollout replaces pods: as many serve as before, unless the user or a claim will have it otherwise."""

from typing import Any

import pytest

from cake_operator.api import EngineSpec
from cake_operator.render.strategy import strategy

STRATEGIES: dict[str, tuple[dict[str, Any], bool, tuple[int, int]]] = {
    "nothing said": ({}, False, (1, 0)),
    "nothing said, on a claim of one node": ({}, True, (0, 1)),
    "no room": ({"maxSurge": 0}, False, (0, 1)),
    "faster": ({"maxSurge": 3}, False, (3, 0)),
    "faster, on a claim of one node, by order": ({"maxSurge": 3}, True, (3, 0)),
    "fewer for a while": ({"maxUnavailable": 2}, False, (1, 2)),
    "fewer for a while, on a claim of one node": ({"maxUnavailable": 2}, True, (0, 2)),
    "never fewer, on a claim of one node": ({"maxUnavailable": 0}, True, (1, 0)),
    "both": ({"maxSurge": 2, "maxUnavailable": 1}, False, (2, 1)),
}


@pytest.mark.parametrize("which", STRATEGIES)
def test_a_rollout_adds_a_pod_first_unless_told_otherwise(which: str) -> None:
    rollout, one_node, (surge, unavailable) = STRATEGIES[which]
    rendered = strategy(EngineSpec.model_validate({"rollout": rollout}), startup_seconds=60, one_node=one_node)
    assert rendered["strategy"]["rollingUpdate"] == {"maxSurge": surge, "maxUnavailable": unavailable}


DEADLINES = [({}, 3600, 4200), ({"progressDeadline": "90.5s"}, 3600, 91)]


@pytest.mark.parametrize(("rollout", "startup", "seconds"), DEADLINES)
def test_a_rollout_has_the_time_that_a_start_has_and_more_unless_told_otherwise(
    rollout: dict[str, Any], startup: int, seconds: int
) -> None:
    rendered = strategy(EngineSpec.model_validate({"rollout": rollout}), startup_seconds=startup, one_node=False)
    assert rendered["progressDeadlineSeconds"] == seconds
