"""The measurements that a benchmark is made of, one after the other, each kept as it comes."""

from __future__ import annotations

import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.goals import number
from benchmarks.journal import Figures, Journal, JournalError


class MeasurementError(RuntimeError):
    """A measurement that cannot be made here; its text says why."""


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        name: Kind and parameters, as the page names it.
        measure: Does it in an empty folder.
    """

    name: str
    measure: Callable[[Path], Figures]

    @property
    def kind(self) -> str:
        """What is measured, without the parameters."""
        return self.name.split("/")[0]


def matching(cells: Sequence[Cell], pattern: str) -> list[Cell]:
    """Those whose name a regular expression finds something in.

    Raises:
        ValueError: It is none, or finds nothing; the text says which.
    """
    try:
        found = [cell for cell in cells if re.search(pattern, cell.name)]
    except re.error as error:
        raise ValueError(f"--cells is not a regular expression: {error}") from error
    if not found:
        raise ValueError("--cells matches none of: " + ", ".join(cell.name for cell in cells))
    return found


def exit_status(benchmark: Callable[[], int], *faults: type[Exception]) -> int:
    """What a benchmark's process ends with: what it says itself, or 1 with a sentence, or 130 on Ctrl-C and SIGTERM.

    Args:
        benchmark: Runs it.
        faults: What else ends it with a sentence rather than a traceback.
    """
    expected: tuple[type[Exception], ...] = (MeasurementError, JournalError, *faults)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return benchmark()
    except KeyboardInterrupt:
        print("Interrupted; the cells so far are kept: go on with --resume.", file=sys.stderr)
        return 130
    except expected as error:
        print(f"The benchmark cannot go on: {error}", file=sys.stderr)
        return 1


def measure(cells: Sequence[Cell], journal: Journal[Figures], disk: Path) -> dict[str, Figures]:
    """The figures of these cells, by name: measured now, and told of, where the journal does not have them.

    Args:
        cells: What to measure, in order.
        journal: Keeps what was found.
        disk: Folder in which each cell gets one of its own.

    Raises:
        MeasurementError: One cannot be measured here.
    """
    for cell in cells:
        if cell.name not in journal.figures:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix=".bench.", dir=disk) as folder:
                figures = cell.measure(Path(folder))
            journal.add(cell.name, figures)
            said = ", ".join(f"{figure} {number(value)}" for figure, value in figures.items())
            print(f"{cell.name} ({time.monotonic() - began:.0f} s): {said}", flush=True)
    return {cell.name: journal.figures[cell.name] for cell in cells}
