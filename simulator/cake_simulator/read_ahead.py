"""Loads for requests that wait for a seat: their stored tails come into memory meanwhile, and are kept there."""

from __future__ import annotations

from dataclasses import dataclass

from cake_engine.config import LiveConfig, Mode
from cake_engine.core.plan_costs import Waiting
from cake_engine.core.prefetch import Ahead, allowance, floor
from cake_simulator.reads import Reads
from cake_simulator.sequence import Sequence


@dataclass(eq=False)
class _Waiting:
    """One request that waits: the tier of each chunk that is stored, and what is read ahead for it."""

    sequence: Sequence
    tiers: dict[int, int]
    ahead: Ahead
    books: ReadAhead

    def key(self, chunk: int) -> int:
        return self.sequence.request.blocks[chunk]

    def arrived(self, chunk: int) -> None:
        self.ahead.hold(chunk)
        self.books.reads.memory.pin(self.key(chunk))

    def missing(self, chunk: int) -> None:
        self.ahead.lose(chunk)
        self.books.chunks -= 1


class ReadAhead:
    """The requests that wait, in the order of their turn.

    Attributes:
        reads: What is in memory and on its way.
        chunks: Chunks of memory that they hold or have asked for, each time it is wanted.
    """

    def __init__(self, reads: Reads, chunk_tokens: int) -> None:
        self.reads = reads
        self.chunks = 0
        self._size = chunk_tokens
        self._waiting: dict[str, _Waiting] = {}
        self._unread: dict[str, _Waiting] = {}  # of those, which may have something left to ask for

    def arrive(self, sequence: Sequence, stored: dict[int, int], on_device: int, least: int, *, first: bool) -> None:
        """A request waits from now on.

        Args:
            sequence: The request.
            stored: Number of the tier of each chunk that is stored, in order.
            on_device: Chunks that the device holds.
            least: Tokens that are worth a load.
            first: Whether it goes before those that wait, as a preempted one does.
        """
        missed = [chunk for chunk in stored if chunk >= on_device]
        ahead = Ahead(0, 0)
        if missed and len(missed) * self._size >= least:
            end = missed[-1] + 1
            tiers = {chunk: self.reads.names[stored[chunk]] for chunk in missed}
            ahead = Ahead(on_device, end, missing=set(range(on_device, end)) - stored.keys(), tiers=tiers)
        waiting = _Waiting(sequence, stored, ahead, self)
        for those in (self._waiting, self._unread):
            others = dict(those) if first else {}
            if first:
                those.clear()
            those[sequence.name] = waiting
            those.update(others)

    def new_text(self, sequence: Sequence) -> int:
        """Tokens of a waiting request that no tier holds."""
        return max(1, sequence.end - len(self._waiting[sequence.name].tiers) * self._size)

    def found(self, sequence: Sequence) -> dict[int, int]:
        """Number of the tier of each chunk that was stored when the request began to wait."""
        waiting = self._waiting.get(sequence.name)
        return waiting.tiers if waiting is not None else {}

    def told(self, sequence: Sequence) -> Waiting:
        """What a request needs of compute and loads."""
        waiting = self._waiting[sequence.name]
        return Waiting(sequence.name, sequence.end - self.new_text(sequence), sequence.end, waiting.ahead.to_come)

    def release(self, sequence: Sequence) -> None:
        """The request waits no more."""
        self._unread.pop(sequence.name, None)
        waiting = self._waiting.pop(sequence.name, None)
        if waiting is None:
            return
        self.chunks -= len(waiting.ahead.held) + len(waiting.ahead.asked)
        for chunk in waiting.ahead.held:
            self.reads.memory.unpin(waiting.key(chunk))
        for chunk in list(waiting.ahead.asked):
            self.reads.leave(waiting.key(chunk), waiting)

    def ask(self, live: LiveConfig) -> None:
        """Read ahead with what the tiers have left, within the live share of memory."""
        share = 0.0 if live.mode is Mode.COMPUTE_ONLY else live.prefetch_share
        allowed = allowance(self.reads.memory.capacity, share)
        for name, waiting in list(self._unread.items()):
            for chunk in waiting.ahead.wanted(floor(waiting.ahead, live)):
                if self.chunks >= allowed or not self._ask(waiting, chunk):
                    return
            del self._unread[name]

    def give_way(self) -> bool:
        """Let go of a chunk that is held for the request which will wait longest; False if there is none."""
        for name, waiting in reversed(self._waiting.items()):
            if waiting.ahead.held:
                chunk = min(waiting.ahead.held)
                waiting.ahead.give_back(chunk)
                self.chunks -= 1
                self._unread[name] = waiting
                self.reads.memory.unpin(waiting.key(chunk))
                return True
        return False

    def _ask(self, waiting: _Waiting, chunk: int) -> bool:
        """Have one chunk kept or read; False when tiers or memory are full."""
        key, reads = waiting.key(chunk), self.reads
        if reads.here(key):
            waiting.arrived(chunk)
        else:
            tier = reads.tier_of(key)
            if tier is None:
                waiting.ahead.lose(chunk)
                return True
            if not reads.coming(key) and (reads.room(tier) <= 0 or not reads.begin(key, tier, ahead=True)):
                return False
            waiting.ahead.ask(chunk)
            reads.join(key, waiting, chunk, ahead=True)
        self.chunks += 1
        return True
