"""The best that was possible, from the run's own step times and rates. Pure.

The prefix of one request is computed up to chunk k and loaded from there, both from the first moment and at full pace;
the better k is known beforehand. What no mode can save is counted too: the short step over the new text, and what the
engine had to do first.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.ttft.records import Play


@dataclass(frozen=True)
class Prices:
    """What the parts of one request take.

    Attributes:
        compute: Seconds to compute the first k chunks, for k from 0 to all of them.
        chunk_load: Seconds to load one chunk.
        last_step: Seconds of the step after the prefix.
        busy: Seconds for which compute has other work when the request arrives.
        loads_from: Seconds after which loads may begin.
    """

    compute: Sequence[float]
    chunk_load: float
    last_step: float
    busy: float = 0.0
    loads_from: float = 0.0

    @property
    def chunks(self) -> int:
        """Of the prefix."""
        return len(self.compute) - 1

    def both_ends(self, computed: int, place: int = 1) -> float:
        """Seconds until the prefix is there, `computed` chunks of it by compute.

        Args:
            computed: Chunks by compute; the others are loaded.
            place: 1 for a request that has both resources for itself, n for the n-th of equal ones that share them.
        """
        compute = self.busy + place * self.compute[computed] + (place - 1) * self.last_step
        loads = place * (self.chunks - computed) * self.chunk_load
        return max(compute if computed else self.busy, loads + self.loads_from if loads else 0.0)

    def best_split(self, place: int = 1) -> int:
        """The number of chunks to compute."""
        return min(range(self.chunks + 1), key=lambda k: self.both_ends(k, place))

    def best(self, place: int = 1) -> float:
        """Seconds to the first token of the `place`-th request, at best.

        Equal requests that share both resources can at best be served one after another: j of them are not done before
        j times their compute up to k and j times their loads from k on, with one k for all as costs are convex.
        """
        return self.both_ends(self.best_split(place), place) + self.last_step

    def best_mean(self, requests: int) -> float:
        """Mean seconds to the first token of that many requests that arrive together, at best."""
        return statistics.mean(self.best(place) for place in range(1, requests + 1))


def compute_curve(plays: Sequence[Play], prompt: str, chunks: int, chunk_tokens: int) -> list[float]:
    """Seconds to compute the first k chunks of a prompt, for k from 0 to `chunks`: the median of plain computes.

    Between the ends of two steps it is a straight line.

    Args:
        plays: Of ComputeOnly.
        prompt: Name of the prompt; only its steps count, from the beginning of the first on.
        chunks: Of its stored prefix.
        chunk_tokens: Tokens of a chunk.
    """
    curves = [_curve(play, prompt) for play in plays]
    return [
        0.0,
        *(statistics.median(_at(points, k * chunk_tokens) for points in curves) for k in range(1, chunks + 1)),
    ]


def busy_seconds(plays: Sequence[Play], prompt: str) -> float:
    """For how long compute had other work after a request arrived: the median of plain computes."""
    waits = []
    for play in plays:
        arrived = next(answer.arrived for answer in play.answers if answer.prompt == prompt)
        began = next(step.began for step in play.steps if any(work.prompt == prompt for work in step.prefill))
        waits.append(max(0.0, began - arrived))
    return statistics.median(waits)


def _curve(play: Play, prompt: str) -> list[tuple[int, float]]:
    """Points (tokens computed, seconds since the request's first step began)."""
    own = [(step, work) for step in play.steps for work in step.prefill if work.prompt == prompt]
    began = own[0][0].began
    return [(0, 0.0), *((work.stop, step.ended - began) for step, work in own)]


def _at(points: Sequence[tuple[int, float]], tokens: int) -> float:
    for (low, before), (high, after) in pairwise(points):
        if tokens <= high:
            return before + (after - before) * (tokens - low) / (high - low)
    raise ValueError(f"the prompt was computed up to token {points[-1][0]} and {tokens} are asked for")
