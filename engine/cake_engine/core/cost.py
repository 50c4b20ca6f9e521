"""What compute costs here and now, learned while serving.

The model is online and forgets: clocks throttle, neighbours come. Until it has seen enough it says None, and the caller
does without (`cake_engine.core.meeting`). What loads cost, each tier measures itself (`CakeFileTier.read_rate`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SCALES = (1.0, 1e-3, 1e-6, 1.0)
_PRIOR_WEIGHT = 1e-3


@dataclass(frozen=True)
class Span:
    """Tokens [start, stop) of one request, in one step."""

    start: int
    stop: int

    @property
    def tokens(self) -> int:
        """How many."""
        return self.stop - self.start

    @property
    def attended(self) -> float:
        """Positions attended to, summed over the tokens."""
        return (self.stop * self.stop - self.start * self.start) / 2


class ComputeCost:
    """Seconds of one engine step: base + tokens + tokens times position + decoding requests.

    Recursive least squares with forgetting, as decayed normal equations: four features, so solving them anew costs
    microseconds. Outliers (a compilation, a paused machine) are clipped to a few times what was expected, so that one
    of them cannot bend the model, while a lasting change gets through within some steps. Costs are never negative: a
    coefficient that comes out negative is taken as zero and the others are solved again.
    """

    def __init__(self, forgetting: float = 0.97, ready_after: int = 3, clip: float = 4.0) -> None:
        """Start with no knowledge.

        Args:
            forgetting: Weight of the past at each step; 0.97 forgets half in 23 steps.
            ready_after: Steps with prefill to see before predicting.
            clip: An observation counts as at most this many times its prediction.
        """
        self._forgetting = forgetting
        self._ready_after = ready_after
        self._clip = clip
        self._steps = 0
        self._matrix = [[0.0] * 4 for _ in range(4)]
        self._vector = [0.0] * 4
        self._solution: list[float] | None = None

    def observe(self, prefill: Iterable[Span], decoding: int, seconds: float) -> None:
        """Learn from one step that took `seconds`."""
        spans = list(prefill)
        row = _features(spans, decoding)
        self._steps += bool(spans)
        if self._steps > self._ready_after:
            seconds = min(seconds, self._clip * self._dot(row))
        for i in range(4):
            self._vector[i] = self._vector[i] * self._forgetting + row[i] * seconds
            for j in range(4):
                self._matrix[i][j] = self._matrix[i][j] * self._forgetting + row[i] * row[j]
        self._solution = None

    def seconds(self, start: int, stop: int, step_tokens: int) -> float | None:
        """Time to compute tokens [start, stop) of one request in steps of at most `step_tokens`; None if not known."""
        if self._steps < self._ready_after:
            return None
        if stop <= start:
            return 0.0
        steps = -(-(stop - start) // max(1, step_tokens))
        row = _features([Span(start, stop)], 0)
        return self._dot([float(steps), *row[1:]])

    def _dot(self, row: list[float]) -> float:
        if self._solution is None:
            self._solution = _solve_nonnegative(self._matrix, self._vector)
        return sum(a * b for a, b in zip(self._solution, row, strict=True))


def _features(spans: list[Span], decoding: int) -> list[float]:
    raw = (1.0, float(sum(s.tokens for s in spans)), sum(s.attended for s in spans), float(decoding))
    return [value * scale for value, scale in zip(raw, _SCALES, strict=True)]


def _solve_nonnegative(matrix: list[list[float]], vector: list[float]) -> list[float]:
    active = list(range(len(vector)))
    while active:
        part = _solve([[matrix[i][j] for j in active] for i in active], [vector[i] for i in active])
        worst = min(range(len(active)), key=lambda k: part[k])
        if part[worst] >= 0:
            solution = [0.0] * len(vector)
            for index, value in zip(active, part, strict=True):
                solution[index] = value
            return solution
        del active[worst]
    return [0.0] * len(vector)


def _solve(matrix: list[list[float]], vector: list[float]) -> list[float]:
    """Gaussian elimination with pivoting; a small ridge keeps it solvable when steps all look alike."""
    n = len(vector)
    rows = [[*(matrix[i][j] + (_PRIOR_WEIGHT if i == j else 0.0) for j in range(n)), vector[i]] for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, n):
            factor = rows[k][i] / rows[i][i]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    solution = [0.0] * n
    for i in reversed(range(n)):
        solution[i] = (rows[i][n] - sum(rows[i][j] * solution[j] for j in range(i + 1, n))) / rows[i][i]
    return solution
