"""How many replicas a load needs for its requests to wait no longer than they may: a queue with several servers.

Erlang's C formula gives the share of the requests that find every server busy; in heavy traffic what they wait falls
off exponentially, the slower the more uneven their work is (Kingman; Allen and Cunneen for several servers).
"""

from dataclasses import dataclass
from math import exp, floor, log

NEVER = 700.0
"""Exponents beyond which a share is none."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Requests that come by chance, and what is promised to them.

    Attributes:
        load: Seconds of work that come each second.
        request_seconds: Work of one request, on average.
        wait: Seconds that a request may wait.
        share: Of the requests that may wait for longer, above 0.
        spread: Square of the coefficient of variation of a request's work: 0 where all are alike, 1 where exponential.
    """

    load: float
    request_seconds: float
    wait: float
    share: float
    spread: float

    @property
    def bearable(self) -> float:
        """Seconds that requests may wait on average: were all to wait, no larger share would wait for longer."""
        return self.wait / log(1 / self.share)

    def replicas(self, most: int) -> int:
        """The fewest with which no larger share waits for longer; `most` where fewer than that are not enough."""
        blocked = 1.0  # Erlang's B: the share that finds all busy were nobody to wait, built up server by server
        for replicas in range(1, most if self.load < most else 1):
            blocked = self.load * blocked / (replicas + self.load * blocked)
            if replicas > floor(self.load) and self._late(replicas, blocked) <= self.share:
                return replicas
        return most

    def _late(self, replicas: int, blocked: float) -> float:
        """The share of the requests that waits for longer than it may."""
        waiting = replicas * blocked / (replicas - self.load * (1 - blocked))
        uneven = self.request_seconds * (1 + self.spread) / 2
        past = self.wait * (replicas - self.load)
        if uneven <= 0:  # requests without work: only who finds all busy and may not wait at all is late
            return waiting if past <= 0 else 0.0
        return waiting * exp(-min(NEVER, past / uneven))
