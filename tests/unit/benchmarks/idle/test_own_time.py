"""Time is counted for the one whose function it was spent in."""

import itertools

import pytest

from benchmarks.idle.own_time import OwnTime, take_over


class Base:
    """Somebody else's."""

    def step(self) -> str:
        """Calls back."""
        return f"base {self.hook()}"

    def hook(self) -> str:
        """To be overridden."""
        return "base"


class Ours(Base):
    """Ours."""

    def step(self) -> str:
        """Goes on to the one it overrides."""
        return f"ours {super().step()}"

    def hook(self) -> str:
        """Overrides."""
        return "hooked"


Base.__module__, Ours.__module__ = "theirs.base", "ours.derived"


def test_each_owner_has_the_time_between_its_calls_and_results_are_as_before() -> None:
    ticks = itertools.count()
    own = OwnTime(lambda: float(next(ticks)))
    take_over(own, [Ours], "ours", "theirs")
    # Ours.step 0 | Base.step 1 | Ours.hook 2 | 3 | 4 | 5: a tick passes with every beginning and end.
    assert Ours().step() == "ours base hooked"
    assert own.seconds == {"ours": 3.0, "theirs": 2.0}
    own.clear()
    assert own.seconds == {}


def test_a_call_that_fails_ends_its_time_too() -> None:
    ticks = itertools.count()
    own = OwnTime(lambda: float(next(ticks)))

    def fail() -> None:
        raise ValueError("broken")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            own.of("ours", fail)()
    assert own.seconds == {"ours": 2.0}
