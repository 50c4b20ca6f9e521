"""What goes before one request, among all that have a plan: compute, and reads of one tier.

Each plan asks in each step, so the sums over all of them are taken once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate

from cake_engine.core.plan import Plan


class ComputeAhead:
    """Compute of requests in prefill: those without a stored prefix go first wherever they stand, others in order."""

    def __init__(
        self, prefilling: Iterable[tuple[str, int, int, Plan | None]], seconds: Callable[[int, int], float]
    ) -> None:
        """Add up who needs what.

        Args:
            prefilling: Requests in the order in which they get tokens: id, next token, tokens, plan.
            seconds: To compute tokens [start, stop).
        """
        self._texts: dict[str, float] = {}
        self._before: dict[str, float] = {}
        self._planned = 0.0
        for request, at, stop, plan in prefilling:
            self._before[request] = self._planned
            if plan:  # of its stored prefix it computes what is below its meeting point
                size = plan.chunk_tokens
                self._planned += seconds(at, plan.meeting * size) + seconds(max(at, plan.end * size), stop)
            else:
                self._texts[request] = seconds(at, stop)
        self._text = sum(self._texts.values())

    def seconds(self, request: str) -> float:
        """Until compute comes to a request's own stored prefix; one that is not in prefill yet is last."""
        return self._text - self._texts.get(request, 0.0) + self._before.get(request, self._planned)


class ReadsAhead:
    """Reads of one tier: what was asked for comes first, then what requests miss, in order."""

    def __init__(self, plans: Iterable[tuple[str, int, int]]) -> None:
        """Add up who wants what.

        Args:
            plans: Requests in their order: id, chunks that were asked for, chunks that are worth loading and were not.
        """
        rows = list(plans)
        self._places = {request: place for place, (request, _, _) in enumerate(rows)}
        self._asked = [0, *accumulate(asked for _, asked, _ in rows)]
        self._missing = [0, *accumulate(missing for _, _, missing in rows)]

    def chunks(self, request: str) -> tuple[int, int, int]:
        """How many chunks a request asked for, go before these, and come between these and its others.

        A request without a plan is last.
        """
        place = self._places.get(request, len(self._places))
        after = min(place + 1, len(self._places))
        ahead, mine = self._asked[place], self._asked[after] - self._asked[place]
        return mine, ahead, self._missing[place] + self._asked[-1] - self._asked[after]
