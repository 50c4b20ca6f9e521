from datetime import timedelta

from cake_operator.observe.sampling import Sampling
from cake_operator.policy.laws import Laws


def test_no_change_is_judged_before_the_window_of_its_figures_has_passed() -> None:
    slow = Sampling(scrape_interval=timedelta(seconds=60))
    laws = Laws.of(slow)
    assert laws.scaling.settling == slow.window == timedelta(seconds=240)
    assert laws.tuning.judging == slow.tuning_window == timedelta(seconds=240)
    assert laws.tuning.reading == slow.window


def test_by_default_they_are_the_laws_of_the_policies() -> None:
    assert Laws.of(Sampling()) == Laws()
