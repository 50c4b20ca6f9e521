"""What the plays say: each cell against its oracle and the better single resource, and all cells together. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.ttft.grid import STEP_TOKENS, Cell, Contender, Situation
from benchmarks.ttft.losses import Loss, losses, read_rate, step_error
from benchmarks.ttft.oracle import Prices, busy_seconds, compute_curve
from benchmarks.ttft.records import Play, Reference, Scale

DECIDED_NATS = 0.5
"""Plain compute is undecided about a token when the next best one is closer: sums in bfloat16 depend on the batch."""


@dataclass(frozen=True)
class CellFinding:
    """One cell; times are medians in seconds.

    Attributes:
        ttft: By contender.
        ratio: Load over compute as it turned out, by the run's own plain computes.
        meeting_errors: By how many tokens each Adaptive request's meeting point was predicted wrong.
        requests: Adaptive's, with a plan.
        over_oracle: Each Adaptive play's time over the oracle.
        duplicated: Share of the prefix that was computed although it was read as well.
        stalled: Seconds in which a request could do nothing but wait.
        read_rate: Share of its cap at which the tier delivered.
        step_error: Share by which steps were predicted too long.
        loss: Where the time over the oracle went, on the median Adaptive play; only where one request is measured.
    """

    cell: Cell
    ttft: Mapping[str, float]
    ratio: float
    oracle: float
    best_meeting: float
    predicted: float | None
    actual: float | None
    meeting_errors: tuple[float, ...]
    requests: int
    over_oracle: tuple[float, ...]
    duplicated: float
    stalled: float
    read_rate: float | None
    step_error: float | None
    loss: Loss | None

    @property
    def adaptive(self) -> float:
        """Adaptive's median."""
        return self.ttft[Contender.ADAPTIVE]

    @property
    def better(self) -> float:
        """The better single resource's median."""
        return min(self.ttft[c] for c in (Contender.COMPUTE_ONLY, Contender.LOAD_ONLY) if c in self.ttft)

    @property
    def vs_oracle(self) -> float:
        """Adaptive over the oracle: 1 is the best possible."""
        return self.adaptive / self.oracle

    @property
    def vs_better(self) -> float:
        """The better single resource over Adaptive: above 1, Adaptive is faster."""
        return self.better / self.adaptive

    @property
    def possible(self) -> float:
        """The better single resource over the oracle."""
        return self.better / self.oracle


def cell_finding(cell: Cell, plays: Sequence[Play], computed: Sequence[Play], scale: Scale) -> CellFinding:
    """Judge one cell.

    Args:
        cell: The cell.
        plays: Its plays, of all contenders but ComputeOnly.
        computed: The plays of ComputeOnly of its group.
        scale: Of its length.
    """
    prices = cell_prices(cell, computed, scale, next(p.bandwidth for p in plays if p.bandwidth is not None))
    by_contender = {c: [p for p in plays if p.contender == c] for c in dict.fromkeys(p.contender for p in plays)}
    ttft = {Contender.COMPUTE_ONLY.value: statistics.median(p.ttft for p in computed)}
    ttft |= {name: statistics.median(p.ttft for p in own) for name, own in by_contender.items()}
    adaptive = by_contender[Contender.ADAPTIVE]
    requests = len(adaptive[0].measured)
    splits = [answer.split for play in adaptive for answer in play.measured if answer.split is not None]
    oracle = prices.best_mean(requests)
    predicted = [split.predicted for split in splits if split.predicted is not None]
    middle = sorted(adaptive, key=lambda play: play.ttft)[len(adaptive) // 2]
    return CellFinding(
        cell=cell,
        ttft=ttft,
        ratio=prices.chunks * prices.chunk_load / prices.compute[-1],
        oracle=oracle,
        best_meeting=prices.best_split() / prices.chunks,
        predicted=statistics.median(predicted) if predicted else None,
        actual=statistics.median(split.actual for split in splits) if splits else None,
        meeting_errors=tuple(e for s in splits if (e := s.predicted_error_tokens) is not None),
        requests=len(splits),
        over_oracle=tuple(play.ttft / oracle for play in adaptive),
        duplicated=statistics.mean(split.duplicated for split in splits) / prices.chunks if splits else 0.0,
        stalled=statistics.mean(split.stalled for split in splits) if splits else 0.0,
        read_rate=read_rate(adaptive),
        step_error=step_error(adaptive),
        loss=losses(middle, prices) if requests == 1 else None,
    )


def cell_prices(cell: Cell, computed: Sequence[Play], scale: Scale, bandwidth: float) -> Prices:
    """What the parts of a cell's requests take: steps as plain compute took them, loads at the tier's cap."""
    chunks, prompt = cell.tokens // scale.chunk_tokens, computed[0].measured[0].prompt
    busy = busy_seconds(computed, prompt) if cell.situation is Situation.QUEUED else 0.0
    return Prices(
        compute=compute_curve(computed, prompt, chunks, scale.chunk_tokens),
        chunk_load=scale.chunk_bytes / min(bandwidth, scale.uncapped),
        last_step=scale.last_step,
        busy=busy,
        loads_from=0.0 if cell.prefetch_share else busy,
    )


def wrong_tokens(plays: Sequence[Play], references: Mapping[str, Reference]) -> tuple[int, int]:
    """How many tokens differ from plain compute's, and how many were compared.

    Tokens are compared up to the first one about which plain compute was undecided.
    """
    wrong = compared = 0
    for answer in (answer for play in plays for answer in play.answers):
        reference = references.get(answer.prompt)
        if reference is None:
            continue
        decided = next((n for n, margin in enumerate(reference.margins) if margin < DECIDED_NATS), None)
        pairs = list(zip(answer.tokens, reference.tokens[:decided], strict=False))
        compared += len(pairs)
        wrong += sum(got != expected for got, expected in pairs)
    return wrong, compared


@dataclass(frozen=True)
class Summary:
    """All cells together; `None` where no cell says anything."""

    geomean_vs_oracle: float
    p95_vs_oracle: float
    worst_vs_better: float
    geomean_vs_better_near_balance: float | None
    meeting_within_one_chunk: float | None
    meeting_within_one_block: float | None
    wrong_tokens: int
    compared_tokens: int


def summarise(cells: Sequence[CellFinding], wrong: tuple[int, int], block_tokens: int) -> Summary:
    """Judge all cells together.

    Args:
        cells: Their findings.
        wrong: Wrong and compared tokens.
        block_tokens: Tokens of one stored block.
    """
    near = [finding.vs_better for finding in cells if 0.5 <= finding.cell.ratio <= 2]
    errors = [error for finding in cells for error in finding.meeting_errors]
    requests = [share for finding in cells for share in finding.over_oracle]
    return Summary(
        geomean_vs_oracle=statistics.geometric_mean(finding.vs_oracle for finding in cells),
        p95_vs_oracle=percentile(requests, 95),
        worst_vs_better=min(finding.vs_better for finding in cells),
        geomean_vs_better_near_balance=statistics.geometric_mean(near) if near else None,
        meeting_within_one_chunk=statistics.mean(e <= STEP_TOKENS for e in errors) if errors else None,
        meeting_within_one_block=statistics.mean(e <= block_tokens for e in errors) if errors else None,
        wrong_tokens=wrong[0],
        compared_tokens=wrong[1],
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` per cent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
