"""Whether loads disturb requests that are decoding: the gaps between their tokens. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.ttft.findings import percentile
from benchmarks.ttft.grid import Contender, Situation
from benchmarks.ttft.records import Play


@dataclass(frozen=True)
class Gaps:
    """99th percentiles of the seconds between two tokens of a decoding request.

    Attributes:
        quiet: Before the measured request arrives.
        loading: While its prefix is loaded and nothing of it is computed.
        by_contender: From its arrival to its first token, by contender: a step that computes a prefix takes long.
    """

    quiet: float
    loading: float | None
    by_contender: Mapping[str, float]

    @property
    def loading_over_quiet(self) -> float | None:
        """What loads alone do to decoding."""
        return None if self.loading is None else self.loading / self.quiet

    @property
    def adaptive_over_compute(self) -> float | None:
        """What Cake does to decoding beside plain compute of the same requests."""
        adaptive, compute = (self.by_contender.get(c) for c in (Contender.ADAPTIVE, Contender.COMPUTE_ONLY))
        return None if adaptive is None or compute is None else adaptive / compute


def gaps(plays: Sequence[Play]) -> Gaps | None:
    """Measure the gaps in all plays with requests that were decoding; None without such."""
    quiet: list[float] = []
    loading: list[float] = []
    by_contender: dict[str, list[float]] = {}
    for play in plays:
        if not play.cell.startswith(f"{Situation.DECODING}/"):
            continue
        arrived, first = play.measured[0].arrived, play.measured[0].times[0]
        computing = [(step.began, step.ended) for step in play.steps if step.prefill]
        for answer in play.answers:
            if answer.measured:
                continue
            for before, after in pairwise(answer.times):
                if after <= arrived:
                    quiet.append(after - before)
                elif before >= arrived and after <= first:
                    by_contender.setdefault(play.contender, []).append(after - before)
                    if play.reads and not any(began < after and before < ended for began, ended in computing):
                        loading.append(after - before)
    if not quiet:
        return None
    return Gaps(
        quiet=percentile(quiet, 99),
        loading=percentile(loading, 99) if loading else None,
        by_contender={contender: percentile(own, 99) for contender, own in by_contender.items()},
    )
