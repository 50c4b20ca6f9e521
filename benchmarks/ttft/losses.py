"""Why an Adaptive request took longer than the oracle: where its time went, and how good the estimates were. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.ttft.oracle import Prices
from benchmarks.ttft.records import Play


@dataclass(frozen=True)
class Loss:
    """Seconds over the oracle, in parts that add up to all of it.

    Attributes:
        split: By another meeting point than the best one, both ends at full pace.
        compute: By compute that ended later than its own plain pace says, where compute was the later end.
        loads: By loads that ended later than their rate says, where they were.
        last_step: Between the end of both and the first token, over what the last step has to take.
    """

    split: float
    compute: float
    loads: float
    last_step: float

    @property
    def cause(self) -> str:
        """The largest part, in words."""
        words = {
            "the meeting point": self.split,
            "the pace of compute": self.compute,
            "the pace of the loads": self.loads,
            "the end: waiting for the last step, or a longer one": self.last_step,
        }
        return max(words, key=words.__getitem__)


def losses(play: Play, prices: Prices) -> Loss | None:
    """Divide the time over the oracle of a play's one measured request; None where no plan was recorded."""
    (answer,) = play.measured
    if answer.split is None:
        return None
    prefix = answer.split.chunks * answer.split.chunk_tokens
    own = [(step, work) for step in play.steps for work in step.prefill if work.prompt == answer.prompt]
    last, work = own[-1]
    # A last step that computes the end of the prefix as well is the prefix's up to the time of a short one.
    filled = (last.began if work.start >= prefix else last.ended - prices.last_step) - answer.arrived
    planned = prices.both_ends(round(answer.split.actual * prices.chunks))
    stepped = max((step.ended for step, work in own if work.start < prefix), default=0.0)
    read = max((read.time for read in play.reads), default=0.0)
    late = filled - planned
    return Loss(
        split=planned - prices.both_ends(prices.best_split()),
        compute=late if stepped >= read else 0.0,
        loads=late if stepped < read else 0.0,
        last_step=answer.ttft - filled - prices.last_step,
    )


def read_rate(plays: Sequence[Play]) -> float | None:
    """At which share of its cap the tier delivered, from the first read that was asked for to the last that came.

    The median of the plays that read anything; None without such.
    """
    shares = [
        sum(read.bytes for read in play.reads) / (play.reads[-1].time - play.asked) / play.bandwidth
        for play in plays
        if play.asked is not None and play.bandwidth is not None and play.reads
    ]
    return statistics.median(shares) if shares else None


def step_error(plays: Sequence[Play]) -> float | None:
    """By which share steps were predicted too long, at the median; below zero: too short; None without predictions."""
    errors = [step.predicted / step.seconds - 1 for play in plays for step in play.steps if step.predicted is not None]
    return statistics.median(errors) if errors else None
