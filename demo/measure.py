"""What the modes did, in figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of a deployment at a moment, as Prometheus has them.

    Attributes:
        prefix_tokens: Tokens of stored prefixes by outcome: computed, loaded, duplicated.
        meeting_points: Number and sum of the meeting points.
        local_hits: Tokens found in the pods' own prefix caches.
    """

    prefix_tokens: Mapping[str, float] = field(default_factory=dict)
    meeting_points: tuple[float, float] = (0.0, 0.0)
    local_hits: float = 0.0

    def since(self, before: Counts) -> Counts:
        """Return what was added."""
        tokens = {name: value - before.prefix_tokens.get(name, 0.0) for name, value in self.prefix_tokens.items()}
        (number, total), (number_before, total_before) = self.meeting_points, before.meeting_points
        points = (number - number_before, total - total_before)
        return Counts(tokens, points, self.local_hits - before.local_hits)


@dataclass(frozen=True, slots=True)
class ModeRun:
    """One mode over all turns.

    Attributes:
        mode: ComputeOnly, LoadOnly or Adaptive.
        started: When each turn began, in seconds since the epoch.
        ttfts: Time to the first token of each request, in seconds.
        texts: The answers, in the order of the requests.
        failed: Errors of failed requests.
        counts: What the deployment counted meanwhile.
    """

    mode: str
    started: tuple[float, ...]
    ttfts: tuple[float, ...]
    texts: tuple[str, ...]
    failed: tuple[str, ...]
    counts: Counts

    def ttft(self, percentile: float) -> float:
        """Return a percentile of the times to the first token, in seconds; not a number without requests."""
        return float(np.percentile(self.ttfts, percentile)) if self.ttfts else float("nan")

    @property
    def computed(self) -> int:
        """Tokens of stored prefixes that were computed all the same."""
        return round(self.counts.prefix_tokens.get("computed", 0.0))

    @property
    def loaded(self) -> int:
        """Tokens of stored prefixes that were loaded."""
        return round(self.counts.prefix_tokens.get("loaded", 0.0))

    @property
    def meeting_point(self) -> float | None:
        """Mean fraction of a stored prefix that was computed; None when no request met one."""
        number, total = self.counts.meeting_points
        return total / number if number else None


def rows(runs: Sequence[ModeRun]) -> list[tuple[str, ...]]:
    """Return the table's rows: mode, requests, TTFT, prefix tokens computed and loaded, meeting point."""
    return [
        (
            run.mode,
            str(len(run.ttfts)),
            f"{run.ttft(50):.2f} s",
            f"{run.ttft(90):.2f} s",
            f"{run.computed:,}",
            f"{run.loaded:,}",
            "-" if run.meeting_point is None else f"{run.meeting_point:.2f}",
        )
        for run in runs
    ]


#: The tokens are those of stored prefixes; they met at 0 when all were loaded, at 1 when all were computed.
COLUMNS = ("Mode", "Requests", "TTFT p50", "TTFT p90", "Computed", "Loaded", "Met at")


def advantage(runs: Sequence[ModeRun], mode: str) -> float:
    """Return a mode's median TTFT over the best of the other modes: below 1 is faster."""
    medians = {run.mode: run.ttft(50) for run in runs}
    return medians.pop(mode) / min(medians.values())
