"""Waiting for what objects come to be."""

from benchmarks.operator.changing import is_marked
from benchmarks.operator.fleet import MARK
from benchmarks.operator.watching import Arrivals
from cake_operator.apply.cache import Object, owner_of
from cake_operator.render.naming import DEPLOYMENT_LABEL

KEY = ("team", "chat")


def deployment(mark: int, name: str = "chat") -> Object:
    return {
        "kind": "Deployment",
        "metadata": {"namespace": "team", "name": name, "labels": {DEPLOYMENT_LABEL: name}},
        "spec": {"template": {"metadata": {"annotations": {MARK: str(mark)}}}},
    }


async def test_a_change_has_arrived_with_its_mark_or_a_later_one_of_the_same_object() -> None:
    arrivals = Arrivals(is_marked, owner_of)
    first, second, third = (arrivals.of(KEY, mark) for mark in (1, 2, 3))
    arrivals.note(deployment(9, "other"))
    arrivals.note({"kind": "Service", "metadata": deployment(9)["metadata"]})
    arrivals.note(deployment(0))
    assert not first.done()
    arrivals.note(deployment(2))
    assert (first.done(), second.done(), third.done()) == (True, True, False)
    assert await first == await second
    arrivals.note(deployment(3))
    assert await third >= await second


async def test_who_gave_up_waiting_holds_up_nobody() -> None:
    arrivals = Arrivals(is_marked, owner_of)
    gone, waiting = arrivals.of(KEY, 1), arrivals.of(KEY, 1)
    gone.cancel()
    arrivals.note(deployment(1))
    assert waiting.done()
