"""Replicas by the theory of queues: what is known of it, and what holds whatever it is asked."""

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.policy.staffing import Queue


def queue_of(load: float, **changes: float) -> Queue:
    """Alike requests of a second that may not wait."""
    return replace(Queue(load, request_seconds=1.0, wait=0.0, share=0.1, spread=1.0), **changes)


ranges = {
    "load": st.floats(0, 1e6),
    "request_seconds": st.floats(0, 1e6),
    "wait": st.floats(0, 1e6),
    "share": st.floats(1e-4, 0.5),
    "spread": st.floats(0, 100),
}
queues = st.builds(Queue, **ranges)


@pytest.mark.parametrize(
    ("load", "share", "replicas"),
    # Tables of Erlang's C: 5 servers at a load of 3 make 23.6% wait, 7 make 3.8%, 13 at 10 make 28.5%.
    [(0.0, 0.1, 1), (0.1, 0.11, 1), (0.12, 0.1, 2), (3.0, 0.237, 5), (3.0, 0.235, 6), (3.0, 0.04, 7), (10.0, 0.29, 13)],
)
def test_where_nobody_may_wait_it_is_erlangs_formula(load: float, share: float, replicas: int) -> None:
    assert queue_of(load, share=share).replicas(100) == replicas


def test_the_margin_grows_with_the_root_of_the_load() -> None:
    for load in (4, 16, 64, 256, 1024):
        assert 1 <= (queue_of(load).replicas(2000) - load) / load**0.5 <= 2


@given(queues, st.integers(1, 200))
def test_there_is_always_one_and_never_more_than_allowed(queue: Queue, most: int) -> None:
    found = queue.replicas(most)
    assert 1 <= found <= most
    assert found > queue.load or found == most


@pytest.mark.parametrize(("figure", "grows"), [("load", True), ("spread", True), ("wait", False), ("share", False)])
@given(queue=queues, data=st.data())
def test_replicas_follow_each_figure_in_one_direction(
    figure: str, grows: bool, queue: Queue, data: st.DataObject
) -> None:
    low, high = sorted((getattr(queue, figure), data.draw(ranges[figure])))
    fewer, more = (low, high) if grows else (high, low)
    assert replace(queue, **{figure: fewer}).replicas(100) <= replace(queue, **{figure: more}).replicas(100)


@given(st.floats(1e-3, 1e6), st.floats(1e-4, 0.5))
def test_of_waits_with_the_bearable_mean_that_fall_off_exponentially_the_share_is_too_long(
    wait: float, share: float
) -> None:
    bearable = queue_of(1.0, wait=wait, share=share).bearable
    assert exp(-wait / bearable) == pytest.approx(share)
