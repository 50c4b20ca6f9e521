"""A line that says how far a long step is: rewritten on a terminal, repeated now and then in a log."""

import sys
import time
from types import TracebackType
from typing import Self

_TERMINAL_EVERY = 0.2
_LOG_EVERY = 10.0


class Progress:
    """Counts the parts of one step that are done.

    Args:
        title: what is being counted.
        total: how many there are, when that is known.
    """

    def __init__(self, title: str, total: int | None = None) -> None:
        self._title, self._total = title, total
        self._done = 0
        self._started = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show()
        if self._terminal:
            print(file=sys.stderr)

    def advance(self, count: int = 1) -> None:
        """Count more as done, and show it when the last showing is old enough."""
        self._done += count
        if time.monotonic() - self._shown >= (_TERMINAL_EVERY if self._terminal else _LOG_EVERY):
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        of = f" of at most {self._total}" if self._total else ""
        line = f"{self._title}: {self._done}{of}, {self._shown - self._started:.0f} s"
        print(f"\r{line}" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr, flush=True)
