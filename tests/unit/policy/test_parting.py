"""Which pod goes when there shall be fewer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.snapshot import ABSENT, Figure, State
from cake_operator.policy.parting import deletion_costs

STALE = Figure(None, 90.0, State.STALE)
COSTS: dict[str, tuple[list[str], dict[str, Figure], dict[str, int]]] = {
    "nothing known": (["a", "b"], {}, {}),
    "nothing to go by": (["a", "b"], {"a": STALE, "b": ABSENT}, {}),
    "all known": (["b", "a"], {"a": Figure.present(3), "b": Figure.present(0)}, {"a": 3, "b": 0}),
    "one unknown": (
        ["a", "b", "c"],
        {"a": Figure.present(7), "b": STALE, "c": Figure.present(2)},
        {"a": 7, "b": 8, "c": 2},
    ),
    "one that went": (["a"], {"a": Figure.present(1), "gone": Figure.present(99)}, {"a": 1}),
    "none": ([], {"a": Figure.present(1)}, {}),
}


@pytest.mark.parametrize("which", COSTS)
def test_a_pod_costs_what_it_has_to_finish(which: str) -> None:
    pods, work, costs = COSTS[which]
    assert deletion_costs(pods, work) == costs


@given(st.dictionaries(st.sampled_from("abcdef"), st.none() | st.floats(0, 1000), min_size=1))
def test_the_pod_of_least_cost_is_one_with_the_least_work_that_is_known(work: dict[str, float | None]) -> None:
    figures = {pod: ABSENT if value is None else Figure.present(value) for pod, value in work.items()}
    costs = deletion_costs(sorted(work), figures)
    known = {pod: value for pod, value in work.items() if value is not None}
    assert set(costs) == (set(work) if known else set())
    if known:
        chosen = min(costs, key=lambda pod: costs[pod])
        assert chosen in known
        assert round(known[chosen]) == round(min(known.values()))
