"""What became of the runs: values, and the table that is made of them. Pure."""

import collections
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

HEAD = ("fault", "runs", "struck", "writes (most, allowed)", "restarts", "failures")


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes:
        struck: How often the fault was felt: requests, watches, edits, answers of Prometheus.
        writes: How often the operator wrote to the subject.
        allowed: How often it might.
        failures: What did not hold, in words; empty where all did.
        seconds: How long it took.
    """

    fault: str
    seed: int
    stage: str
    struck: int
    writes: int
    allowed: int
    failures: tuple[str, ...]
    seconds: float

    def judged(self) -> Self:
        """The same with what its figures say: that nothing came, or that it was a storm."""
        found = list(self.failures)
        if not self.struck:
            found.append("the fault never came")
        if self.writes > self.allowed:
            found.append(f"{self.writes} writes, {self.allowed} are allowed")
        return replace(self, failures=tuple(found))

    def line(self) -> str:
        """The run, in a line."""
        held = "held" if not self.failures else "FAILED: " + "; ".join(self.failures)
        return (
            f'--fault "{self.fault}" --seed {self.seed}: {self.stage}, struck {self.struck} times, '
            f"{self.writes} of {self.allowed} writes, {self.seconds:.1f} s: {held}"
        )


@dataclass(frozen=True)
class Row:
    """All runs of one fault.

    Attributes:
        failures: Of runs, and of what all of them share.
    """

    fault: str
    runs: int
    struck: int
    most_writes: int
    allowed: int
    restarts: int
    failures: int


def row(fault: str, outcomes: Sequence[Outcome], restarts: int, shared_failures: int) -> Row:
    """The row of a fault; its writes are those of the run that came closest to what was allowed."""
    closest = max(outcomes, key=lambda one: one.writes / one.allowed)
    failed = sum(bool(one.failures) for one in outcomes)
    struck = sum(one.struck for one in outcomes)
    return Row(fault, len(outcomes), struck, closest.writes, closest.allowed, restarts, failed + shared_failures)


def table(rows: Iterable[Row]) -> str:
    """The rows, in columns."""
    lines = [HEAD, *(_cells(one) for one in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(one: Row) -> tuple[str, ...]:
    writes = f"{one.most_writes}, {one.allowed}"
    return (one.fault, str(one.runs), str(one.struck), writes, str(one.restarts), str(one.failures))


def summary(rows: Sequence[Row], outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "fault_runs": sum(one.runs for one in rows),
        "fault_failures": sum(one.failures for one in rows),
        "faults": {one.fault: _fields(one) for one in rows},
        "failed": [one.line() for one in outcomes if one.failures],
        "stages": dict(collections.Counter(one.stage for one in outcomes)),
    }


def _fields(one: Row) -> dict[str, int]:
    return {
        "runs": one.runs,
        "struck": one.struck,
        "most_writes": one.most_writes,
        "allowed_writes": one.allowed,
        "restarts": one.restarts,
        "failures": one.failures,
    }
