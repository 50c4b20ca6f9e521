"""Whose time it is: of calls that nest, what each owner spends in its own functions, and not in those of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType
from typing import Any


class OwnTime:
    """Clocks of the owners of functions, of which the one that was entered last runs.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._owners: list[str] = []
        self._since = 0.0

    def of(self, owner: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted as that of `owner`."""

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            self._charge()
            self._owners.append(owner)
            try:
                return function(*arguments, **options)
            finally:
                self._charge()
                self._owners.pop()

        return timed

    def clear(self) -> None:
        """Begin anew."""
        self.seconds.clear()

    def _charge(self) -> None:
        now = self._clock()
        if self._owners:
            self.seconds[self._owners[-1]] = self.seconds.get(self._owners[-1], 0.0) + now - self._since
        self._since = now


def take_over(own: OwnTime, classes: Iterable[type], ours: str, theirs: str) -> None:
    """Count the methods of the classes whose package is `ours`, and what they override of others, as their owners'.

    Args:
        own: Where the time is counted.
        classes: Of which every one has methods of both.
        ours: The first part of the names of our modules, and the owner that our methods are counted for.
        theirs: The owner that overridden methods are counted for.
    """
    done: set[tuple[type, str]] = set()
    for family in classes:
        inside = [kind for kind in family.__mro__ if kind.__module__.partition(".")[0] == ours]
        outside = [kind for kind in family.__mro__ if kind not in inside and kind is not object]
        names = [name for kind in inside for name, value in vars(kind).items() if isinstance(value, FunctionType)]
        for owner, kinds in ((ours, inside), (theirs, outside)):
            for kind, name in ((kind, name) for kind in kinds for name in names):
                function = vars(kind).get(name)
                if isinstance(function, FunctionType) and (kind, name) not in done:
                    done.add((kind, name))
                    setattr(kind, name, own.of(owner, function))
