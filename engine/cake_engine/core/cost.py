"""What compute costs here and now, learned while serving.

Seconds of an engine step = base + tokens + tokens times position + decoding requests. Clocks throttle and neighbours
come: `cake_engine.core.regression` says how the four weights follow. What loads cost is in `tier_cost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cake_engine.core.regression import Regression

_PRIOR = (0.064, 0.001, 0.001 / 16384, 0.002)
"""The shape before anything is known: a step costs 64 tokens more than its tokens, a token twice as much at position
16384 as at the start, a decoding request two tokens. The first step sets the scale."""

_ALIKE = 8
"""Of steps in a row that only decode, the first and then every eighth is learned from. The others say the same
again, and learning takes time of each step: on a GPU, steps that only decode are the shortest."""


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
    """Seconds of engine steps, by what is in them."""

    def __init__(self, ready_after: int = 2) -> None:
        """Start with no knowledge.

        Args:
            ready_after: Steps with prefill to see before predicting; the very first one often compiles something.
        """
        self._ready_after = ready_after
        self._prefills = 0
        self._decodes = 0
        self._model = Regression(_PRIOR)

    @property
    def error(self) -> float | None:
        """Relative error of its predictions of single steps, lately; None before there were two."""
        return self._model.error

    def observe(self, prefill: Iterable[Span], decoding: int, seconds: float) -> None:
        """Learn from one step: its spans of prefill, how many requests decoded in it, and what it took."""
        spans = list(prefill)
        if not spans and not decoding:
            return
        self._decodes = 0 if spans else self._decodes + 1
        if self._decodes and self._decodes % _ALIKE != 1:
            return
        row = (1.0, float(sum(s.tokens for s in spans)), sum(s.attended for s in spans), float(decoding))
        self._prefills += bool(spans)
        self._model.observe(row, seconds)

    def curve(self, step_tokens: int, decoding: int = 0) -> Callable[[int, int], float] | None:
        """The time to compute tokens [start, stop) of one request, as a function of the two; None if not known.

        Args:
            step_tokens: Tokens that the request gets in each step.
            decoding: Requests that decode in the same steps: theirs is part of the time.
        """
        if self._prefills < self._ready_after:
            return None
        base, token, position, decode = self._model.weights
        step = base + decode * decoding
        size = max(1, step_tokens)

        def seconds(start: int, stop: int) -> float:
            if stop <= start:
                return 0.0
            tokens = stop - start
            return -(-tokens // size) * step + tokens * (token + position * (start + stop) / 2)

        return seconds

    @property
    def step(self) -> tuple[float, float] | None:
        """Seconds of a step with nothing in it, and of a token at position 0; None if not known."""
        fixed, token, _, _ = self._model.weights
        return (fixed, token) if self._prefills >= self._ready_after else None

    def decoding(self, requests: int) -> float | None:
        """Seconds that so many requests add to a step in which they decode; None if not known."""
        return self._model.weights[3] * requests if self._prefills >= self._ready_after else None

    def seconds(self, start: int, stop: int, step_tokens: int, decoding: int = 0) -> float | None:
        """One value of the `curve`."""
        curve = self.curve(step_tokens, decoding)
        return curve(start, stop) if curve else None
