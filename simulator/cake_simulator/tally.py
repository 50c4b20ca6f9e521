"""What became of all requests: attainment and percentiles, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import exp, inf, log

from cake_simulator.ended import Ended

_SMALLEST = 1e-5
_STEP = log(1.01)


@dataclass
class Percentiles:
    """Seconds, in buckets a hundredth wide: a percentile is exact to half of that.

    Attributes:
        total: Values that were counted.
        sum: Of all values.
    """

    total: int = 0
    sum: float = 0.0
    _counts: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a value."""
        self._counts[int(log(max(seconds, _SMALLEST) / _SMALLEST) / _STEP)] += times
        self.total += times
        self.sum += seconds * times

    @property
    def mean(self) -> float | None:
        """None without a value."""
        return self.sum / self.total if self.total else None

    def at(self, percentile: float) -> float | None:
        """The value that so many per cent of all do not exceed; None without a value."""
        left = percentile / 100 * self.total
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            if left <= 1e-9:
                return _SMALLEST * exp(_STEP * (bucket + 0.5))
        return None


@dataclass(frozen=True)
class Objective:
    """What a request is promised.

    Attributes:
        ttft: Seconds to its first token.
        prefill_factor: Times the seconds of its own prefill on an idle device that it is granted on top: long prompts
            cannot be as fast as short ones on any fleet.
        inter_token: Mean seconds between its tokens.
    """

    ttft: float = inf
    prefill_factor: float = 0.0
    inter_token: float = inf


@dataclass
class Tally:
    """Counts of a run.

    Attributes:
        objective: What each request is promised.
        ended: Requests that ended, in whatever way.
        whole: That got all their tokens.
        attained: That got them as promised.
        broken: That lost their pod in the middle of an answer.
        hopeless: That take longer than they were promised on an idle device, were nothing of them stored.
        tokens: Generated, and told to somebody.
        input_tokens: Of the prompts.
        ttft: Seconds to the first token.
        gaps: Seconds between two tokens.
    """

    objective: Objective
    ended: int = 0
    whole: int = 0
    attained: int = 0
    broken: int = 0
    hopeless: int = 0
    tokens: int = 0
    input_tokens: int = 0
    ttft: Percentiles = field(default_factory=Percentiles)
    gaps: Percentiles = field(default_factory=Percentiles)

    def add(self, ended: Ended, alone: float) -> bool:
        """Count a request.

        Args:
            ended: What became of it.
            alone: Seconds of its prefill on an idle device.

        Returns:
            Whether it got what it was promised.
        """
        self.ended += 1
        self.whole += ended.whole
        self.broken += not ended.whole
        self.tokens += ended.tokens
        goal = self.objective
        promised = goal.ttft + goal.prefill_factor * alone
        self.hopeless += alone > promised
        self.input_tokens += ended.request.input_tokens
        if ended.ttft is None:
            return False
        self.ttft.add(ended.ttft)
        kept = ended.ttft <= promised and (ended.inter_token or 0.0) <= goal.inter_token
        self.attained += kept and ended.whole
        return kept and ended.whole

    @property
    def attainment(self) -> float | None:
        """Share of the requests that got what they were promised; None without a request."""
        return self.attained / self.ended if self.ended else None
