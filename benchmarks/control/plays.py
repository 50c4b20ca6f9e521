"""Runs of the simulator in processes side by side, each kept on disk as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, get_type_hints

from pydantic import TypeAdapter

from benchmarks.journal import Journal

Chosen = TypeVar("Chosen")
Came = TypeVar("Came")


class Kept(TypedDict):
    """A play in the journal: seconds of a core, and the fields of what it came to."""

    seconds: float
    found: dict[str, Any]


class Plays:
    """Plays what is chosen, except what a comparison that was interrupted has played already."""

    def __init__(self, journal: Journal[Kept], jobs: int) -> None:
        """Keep what comes in a journal.

        Args:
            journal: What one play found, and the seconds that it took, a line each.
            jobs: Plays at a time.
        """
        self._journal = journal
        self._pool = ProcessPoolExecutor(jobs)

    def __enter__(self) -> Self:
        """Processes start with the first play."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the plays that run; none is begun."""
        self._pool.shutdown(cancel_futures=True)

    @property
    def seconds(self) -> float:
        """Of one core, that all plays took."""
        return sum(one["seconds"] for one in self._journal.figures.values())

    def all(self, play: Callable[[Chosen], Came], chosen: Sequence[Chosen]) -> list[Came]:
        """What a play of each came to, in their order.

        Args:
            play: A function of a module, which says that it returns a dataclass.
            chosen: Whose repr says all of it, since that names it in the journal.
        """
        names = {self._name(play, one): one for one in chosen}
        missing = {name: one for name, one in names.items() if name not in self._journal.figures}
        for name, kept in zip(missing, self._pool.map(partial(_timed, play), missing.values()), strict=True):
            self._journal.add(name, kept)
        form: TypeAdapter[Came] = TypeAdapter(get_type_hints(play)["return"])
        return [form.validate_python(self._journal.figures[name]["found"]) for name in names]

    @staticmethod
    def _name(play: Callable[[Chosen], Came], chosen: Chosen) -> str:
        return f"{play.__module__}.{play.__qualname__} {chosen!r}"


def _timed(play: Callable[[Chosen], Came], chosen: Chosen) -> Kept:
    began = time.process_time()
    found = play(chosen)
    plain = TypeAdapter(type(found)).dump_python(found)
    return {"seconds": time.process_time() - began, "found": plain}
