import pytest

from cake_operator.policy.slo import SloState, SloVerdict
from cake_operator.status.report import _slo_met

SENTENCE = "ttft p90 is 0.4s, at or below 1s"


@pytest.mark.parametrize(
    ("advice", "message"),
    [((), SENTENCE), (("write 750ms or 1s",), f"{SENTENCE}; write 750ms or 1s")],
)
def test_the_condition_says_whether_the_slo_is_met_and_how_to_have_it_measured_better(advice, message):
    condition = _slo_met(SloVerdict(SloState.MET, SENTENCE), advice)
    assert (condition.status, condition.reason, condition.message) == ("True", "Met", message)


def test_a_target_that_replicas_do_not_reach_is_missed_for_a_reason_of_its_own():
    condition = _slo_met(SloVerdict(SloState.MISSED, SENTENCE, helpless=True), ())
    assert (condition.status, condition.reason, condition.message) == ("False", "ReplicasDoNotHelp", SENTENCE)
