"""What it costs others when a request keeps compute or its loads busy: they stand in line behind it.

A request without a stored prefix is delayed by the compute of those before it. One with a stored prefix needs both
resources, and shares its prefix between them so that both ends finish together: it is delayed by whichever end of those
before it is later. But while the text of those before it is computed, which nobody can load, its own loads go on. So as
far as that text takes longer than its loads, it has slack: the loads of those before it may end so much later than
their compute without delaying it. Slack adds up along the line.

A busy engine on a fast tier has much slack, so compute is what it is short of, and stored prefixes are loaded. On a
slow tier, or with little new text, there is none, and each request is best served as if it were alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """What one request in line needs.

    Attributes:
        request: Its identifier.
        text: Seconds of compute for what is stored nowhere.
        loads: Seconds to load what is stored.
    """

    request: str
    text: float
    loads: float = 0.0


class Line:
    """Requests in the order in which they are served."""

    def __init__(self, turns: Iterable[Turn] = (), beyond: int = 0) -> None:
        """Stand in line.

        Args:
            turns: Of the first in line.
            beyond: Requests behind these of which no more is known: taken for such that only compute delays.
        """
        self._places: dict[str, int] = {}
        self._loading = [0]  # of the first k turns, how many have loads
        self._slack, self._sums = [0.0], [0.0]  # of those with loads: added up, and the sums of that
        self._beyond = beyond
        text = 0.0
        for place, turn in enumerate(turns):
            self._places[turn.request] = place
            if turn.loads:
                self._slack.append(self._slack[-1] + max(0.0, text - turn.loads))
                self._sums.append(self._sums[-1] + self._slack[-1])
                text = 0.0
            self._loading.append(len(self._slack) - 1)
            text += turn.text

    def __len__(self) -> int:
        return len(self._places) + self._beyond

    def behind(self, request: str) -> int:
        """How many are served after a request; one that is not in line is before all others."""
        return len(self._places) - self._after(request) + self._beyond

    def delay(self, request: str, compute: float, loads: float) -> float:
        """How long all those behind a request wait because of it, in seconds, added up.

        Args:
            request: Who keeps the resources busy.
            compute: Seconds from now until it has computed what it computes of its stored prefix.
            loads: Seconds from now until the rest of that is loaded.
        """
        first = self._loading[self._after(request)]
        loads += self._slack[first]  # slack before this request is nothing to those behind it
        apart = bisect_left(self._slack, loads - compute, first + 1) - 1  # those after it have slack enough
        late = (apart - first) * loads - (self._sums[apart] - self._sums[first])
        return late + (self.behind(request) - (apart - first)) * compute

    def _after(self, request: str) -> int:
        return self._places[request] + 1 if request in self._places else 0
