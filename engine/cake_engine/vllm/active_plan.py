"""A plan in service: the pure plan of one request and what ties it to this engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from vllm.v1.kv_offload.base import OffloadKey, ReqContext

from cake_engine.core.levels import Levels
from cake_engine.core.meeting import Aim
from cake_engine.core.plan import Plan


@dataclass
class ActivePlan:
    """One request's plan with its keys, blocks and clock.

    Attributes:
        keys: Key of every chunk from 0 to the plan's end.
        tiers: Name of the tier where a chunk was found, by chunk; what is missing is not among them.
        blocks: Device blocks of the request; None until it is admitted.
        near: Chunks in memory or on their way there, not yet copied.
        held: Chunks among them that were kept in memory for this request while it waited.
        levels: In which its chunks are there; None where all tiers have one level, and where no deadline is to be kept.
        parked: Whether the request waits in vLLM's queue for remote KV, because compute has nothing to do for it.
        at: Token below which everything is on the device or being computed.
        predicted: Meeting point expected at the start, as a fraction of the prefix; None without an estimate.
        goal: What the plan was aimed at last.
        waiting_since: Since when the request could do nothing but wait, in seconds; None while it moves.
        stalled_seconds: How long it could do nothing but wait, so far.
        began_ns: When it was planned, in nanoseconds since the epoch, as trace spans have it.
    """

    request_id: str
    context: ReqContext
    plan: Plan
    keys: list[OffloadKey]
    tiers: dict[int, str]
    at: int
    blocks: list[int] | None = None
    near: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    levels: Levels | None = None
    parked: bool = False
    predicted: float | None = None
    goal: Aim = field(default_factory=lambda: Aim(0, 0))
    waiting_since: float | None = None
    stalled_seconds: float = 0.0
    began_ns: int = field(default_factory=time.time_ns)

    def follow(self, before: ActivePlan) -> None:
        """Go on with the story of the plan that the request had before it was admitted anew."""
        self.began_ns, self.predicted = before.began_ns, before.predicted
        self.stalled_seconds += before.stalled_seconds


@dataclass
class CopyJob:
    """One copy of a run of chunks from memory to the device.

    Attributes:
        pending: Workers that have still to report.
        active: The plan it belongs to; None once the plan was dropped.
    """

    context: ReqContext
    keys: list[OffloadKey]
    chunks: range
    pending: int
    active: ActivePlan | None


@dataclass
class Batch:
    """Chunks of one plan that are in memory and pinned, with their memory slots, ready to be copied."""

    slots: dict[int, int] = field(default_factory=dict)

    def runs(self) -> list[range]:
        """The chunks as contiguous runs: one copy each."""
        runs: list[range] = []
        for chunk in sorted(self.slots):
            if runs and runs[-1].stop == chunk:
                runs[-1] = range(runs[-1].start, chunk + 1)
            else:
                runs.append(range(chunk, chunk + 1))
        return runs
