"""Whether the SLO is met."""

from dataclasses import replace
from typing import Any

import pytest

from cake_operator.api import SloSpec
from cake_operator.policy.slo import judge
from tests.unit.policy.figures import ABSENT, NAN, STALE, busy, present, slo


@pytest.mark.parametrize(
    ("promised", "ttft", "itl", "state", "sentence"),
    [
        (slo("1s"), 0.8, ABSENT, "Met", "TTFT p90 is 800 ms of 1.00 s, 5 s old"),
        (slo("1s"), 1.0, ABSENT, "Met", "TTFT p90 is 1.00 s of 1.00 s, 5 s old"),
        (slo("1s"), 1.1, ABSENT, "Missed", "TTFT p90 is 1.10 s of 1.00 s, 5 s old"),
        (slo("1s", "50ms"), 0.8, 0.06, "Missed", "ITL p90 is 60 ms of 50 ms, 5 s old"),
        (slo("1s", "50ms"), ABSENT, 0.06, "Missed", "ITL p90 is 60 ms of 50 ms, 5 s old"),
        (slo("1s", "50ms"), 0.8, NAN, "Met", "TTFT p90 is 800 ms of 1.00 s, 5 s old; ITL p90 is not a number"),
        (slo("1s", "50ms"), 0.8, ABSENT, "Unknown", "ITL p90 is absent"),
        (slo("1s", "50ms"), STALE, 0.04, "Unknown", "TTFT p90 is stale (90 s old)"),
        (slo("1s", "50ms"), NAN, NAN, "Unknown", "TTFT p90 is not a number"),
        (None, 0.8, 0.04, "None", "No SLO is set"),
    ],
)
def test_a_verdict_names_its_figures(promised: SloSpec | None, ttft: Any, itl: Any, state: str, sentence: str) -> None:
    found = judge(promised, busy(ttft, itl), ready=2)
    assert found.state == state
    assert found.sentence.startswith(sentence)


def test_a_queue_without_first_tokens_is_told_of_where_there_is_no_percentile_to_judge() -> None:
    stuck = replace(busy(NAN), arrivals=present(0), waiting=present(12))
    found = judge(slo("1s"), stuck, ready=2)
    assert found.state == "Unknown"
    assert found.sentence.endswith("while 12 requests wait and none gets a first token")
    assert "none gets" not in judge(slo("1s"), replace(stuck, arrivals=present(1)), ready=2).sentence
