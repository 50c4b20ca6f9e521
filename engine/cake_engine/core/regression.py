"""One regression for all costs: a sum of weighted features, learned while serving, from noisy and drifting times.

Four properties make it fit to decide on:
    - It forgets only what it learns anew. A thousand steps of decoding say nothing of prefill and wipe out nothing of
      it (directional forgetting).
    - It shrugs off outliers: an observation counts as at most a few times what was expected.
    - It follows a lasting change at once. When observations in a row are all dearer, or all cheaper, than expected, two
      by far or more by less, then the clocks have changed or the mount has: everything learned is scaled.
    - It judges itself: `error` is the relative error of its own predictions, recent ones weighing most.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from statistics import median

import numpy as np
from numpy.typing import NDArray

_PRIOR_OBSERVATIONS = 0.01
"""What the prior shape counts for: so little that it decides only what nothing observed does."""
_CLIP = 1.5
"""An observation counts as at most this many times what was expected, or the inverse."""
_NOVEL = 2.0
"""Features whose expectation rests on less than half an observation: the first of them is taken as it is."""
_AS_EXPECTED = 0.1
"""Deviation, as a logarithm, that says nothing of a change."""
_LARGEST_EVIDENCE = 0.5
_LASTING_CHANGE = 0.9
"""Sum of the deviations in a row on one side, each counted up to the largest, that is a lasting change."""
_TRUST_AFTER_CHANGE = 0.2
_ERROR_MEMORY = 0.9
_LARGEST_RATIO = 100.0
_RIDGE = 1e-9


class Regression:
    """Positive values as a sum of features with weights that are never negative.

    Predictions may be read from another thread than the one that observes.

    Attributes:
        observations: How many were made.
        error: Of predictions, relative to the larger of predicted and observed; None before the second observation.
    """

    def __init__(self, prior: Sequence[float], forgetting: float = 0.95) -> None:
        """Start from a shape.

        Args:
            prior: Weights, all positive. Only their ratios matter: the first observation sets the scale.
            forgetting: Weight of the past at each observation of its kind; 0.95 forgets half in 14.
        """
        self._prior = np.asarray(prior, dtype=float)
        self._forgetting = forgetting
        self._start()

    def _start(self) -> None:
        self.observations = 0
        self.error: float | None = None
        # In units of the prior every weight is about 1, which keeps the matrix well conditioned.
        self._weights = np.ones(len(self._prior))
        self._information = _PRIOR_OBSERVATIONS * np.eye(len(self._prior))
        self._fitted = self._weights
        self._run: list[tuple[NDArray[np.float64], float, float]] = []
        self._before = self._weights, self._information

    @property
    def weights(self) -> list[float]:
        """One for each feature, at least 0."""
        return [float(weight) for weight in self._fitted * self._prior]

    def predict(self, features: Sequence[float]) -> float:
        """The value expected for these features."""
        return self._expected(np.asarray(features, dtype=float) * self._prior)

    def observe(self, features: Sequence[float], value: float) -> None:
        """Learn that these features, at least one of them positive, had this value, which must be positive.

        What it cannot reckon with, such as times that differ by more than a float can tell apart, makes it start anew:
        whoever observes is a thread that serves, and must not end of this.
        """
        if not value > 0:
            return
        try:
            with np.errstate(all="ignore"):
                self._observe(features, value)
        except (np.linalg.LinAlgError, ArithmeticError):
            self._start()
        if not (np.isfinite(self._weights).all() and np.isfinite(self._information).all() and self._fitted.any()):
            self._start()

    def _observe(self, features: Sequence[float], value: float) -> None:
        row = np.asarray(features, dtype=float) * self._prior
        if not self.observations:
            self._scale(value / self._expected(row), trust=1.0)
        expected = max(self._expected(row), value / _LARGEST_RATIO)
        novel = float(row @ np.linalg.solve(self._information, row)) > _NOVEL * expected**2
        deviation = log(value / expected)
        self._judge(deviation)
        self.observations += 1
        if novel:
            unit = max(value, expected / _LARGEST_RATIO)
            self._learn(row / unit, value / unit)
            return
        self._note(row, value, deviation)
        self._learn(row / expected, _clipped(value / expected))
        if sum(min(abs(one), _LARGEST_EVIDENCE) for _, _, one in self._run) >= _LASTING_CHANGE:
            self._follow()

    def _judge(self, deviation: float) -> None:
        if self.observations:
            error = 1 - exp(-abs(deviation))
            self.error = error if self.error is None else _ERROR_MEMORY * self.error + (1 - _ERROR_MEMORY) * error

    def _note(self, row: NDArray[np.float64], value: float, deviation: float) -> None:
        """Keep what deviates by more than usual, and what was known before it did."""
        usual = max(_AS_EXPECTED, 2 * (self.error or 0.0))
        if abs(deviation) < usual or (self._run and deviation * self._run[0][2] < 0):
            self._run.clear()
        if abs(deviation) < usual:
            return
        if not self._run:
            self._before = self._weights, self._information
        self._run.append((row, value, deviation))

    def _follow(self) -> None:
        """Scale what was known before the change, and learn anew what was seen since."""
        self._weights, self._information = self._before
        self._publish()
        seen = [(row, value / max(self._expected(row), value / _LARGEST_RATIO)) for row, value, _ in self._run]
        factor = median(ratio for _, ratio in seen)
        self._scale(factor, _TRUST_AFTER_CHANGE)
        for row, value, _ in self._run:
            expected = max(self._expected(row), value / _LARGEST_RATIO)
            self._learn(row / expected, _clipped(value / expected))
        self._run.clear()

    def _expected(self, row: NDArray[np.float64]) -> float:
        return float(self._fitted @ row)

    def _scale(self, factor: float, trust: float) -> None:
        self._weights = self._weights * factor
        # What nothing has observed since keeps the weight that a prior has, however often the scale changes.
        spread = np.maximum(np.abs(self._weights), 0.1 * np.abs(self._weights).max())
        self._information = self._information * (trust / factor**2) + np.diag(_PRIOR_OBSERVATIONS / spread**2)
        self._publish()

    def _learn(self, row: NDArray[np.float64], target: float) -> None:
        """One step of recursive least squares, in units in which about 1 is expected, so that errors are relative."""
        known = self._information @ row
        information = (
            self._information + np.outer(row, row) - (1 - self._forgetting) / (row @ known) * np.outer(known, known)
        )
        # Rounding must not make it singular, however far apart what was observed lies.
        self._information = information + _RIDGE * np.trace(information) * np.eye(len(row))
        self._weights = self._weights + np.linalg.solve(self._information, row) * (target - row @ self._weights)
        self._publish()

    def _publish(self) -> None:
        self._fitted = _nonnegative(self._information, self._weights)


def _clipped(ratio: float) -> float:
    return min(max(ratio, 1 / _CLIP), _CLIP)


def _nonnegative(information: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights without negative ones that lose the least by what is known: drop the most negative, fit the rest."""
    if weights.min() >= 0:
        return weights
    target = information @ weights
    active = list(range(len(weights)))
    while active:
        part = np.linalg.solve(information[np.ix_(active, active)], target[active])
        worst = int(part.argmin())
        if part[worst] >= 0:
            fitted = np.zeros_like(weights)
            fitted[active] = part
            return fitted
        del active[worst]
    return np.zeros_like(weights)
