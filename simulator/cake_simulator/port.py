"""One pod's way to a tier: its reads and writes, so many at once, and the caps of the live configuration."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf

from simpy import Environment

from cake_engine.config import WRITE_REST
from cake_engine.core.yielding import Yielding
from cake_simulator.file_tier import FileTier


@dataclass(frozen=True, slots=True)
class ReadDone:
    """A read that has ended.

    Attributes:
        key: Of the chunk.
        began: When its turn came.
        ended: When it was there.
        found: Whether the tier had it.
        busy: Whether this pod has other reads in flight.
    """

    key: int
    began: float
    ended: float
    found: bool
    busy: bool


@dataclass
class Port:
    """Reads and writes of one pod on one tier: those of admitted requests go before those of requests that wait.

    Attributes:
        env: The clock.
        tier: Where it leads.
        chunk_bytes: Of one chunk.
        done: Told of every read that ends.
        write_room: Chunks that may wait to be written; what comes on top is not stored.
        read_cap: Bytes per second that reads must not exceed.
        write_cap: Bytes per second that writes must not exceed.
        write_rest: How long writes rest, as the engine's knob has it.
        bytes_read: So far.
        bytes_written: So far.
        skipped: Writes that were given up because too many waited.
        closed: The pod is gone: what is in flight ends, and nobody hears of it.
    """

    env: Environment
    tier: FileTier
    chunk_bytes: float
    done: Callable[[ReadDone], None]
    write_room: int
    read_cap: float = inf
    write_cap: float = inf
    write_rest: float = WRITE_REST
    bytes_read: float = 0.0
    bytes_written: float = 0.0
    skipped: int = 0
    closed: bool = False
    _now: deque[int] = field(default_factory=deque)
    _ahead: deque[int] = field(default_factory=deque)
    _taken: set[int] = field(default_factory=set)
    _reading: int = 0
    _to_write: deque[tuple[int, int]] = field(default_factory=deque)
    _unwritten: set[int] = field(default_factory=set)
    _writing: int = 0
    _flowing: int = 0
    _read_from: float = 0.0
    _write_from: float = 0.0
    _yielding: Yielding = field(default_factory=Yielding)

    @property
    def in_flight(self) -> int:
        """Reads asked for that have not ended."""
        return self._reading + len(self._now) + len(self._ahead) - len(self._taken)

    def read(self, key: int, *, ahead: bool) -> None:
        """Ask for a chunk; `ahead` for a request that waits."""
        if key in self._taken:  # it stands in a queue still
            self._taken.discard(key)
        else:
            (self._ahead if ahead else self._now).append(key)
        self._begin_reads()

    def promote(self, key: int) -> None:
        """A read for a request that waits is for an admitted one from now on."""
        if key in self._ahead and key not in self._taken:
            self._ahead.remove(key)
            self._now.append(key)

    def take_back(self, key: int) -> bool:
        """Forget a read that has not begun; False when it has."""
        if key in self._taken or (key not in self._now and key not in self._ahead):
            return False
        self._taken.add(key)
        return True

    def write(self, key: int, depth: int = 0) -> None:
        """Store a chunk, unless it is there or on its way, or too many wait.

        Args:
            key: Of the chunk.
            depth: Tokens of its prefix that stand before its end.
        """
        if key in self.tier or key in self._unwritten:
            return
        if len(self._unwritten) >= self.write_room:
            self.skipped += 1
            return
        self._unwritten.add(key)
        self._to_write.append((key, depth))
        self._begin_writes()

    def _begin_reads(self) -> None:
        while self._reading < self.tier.speed.readers and (self._now or self._ahead):
            key = (self._now or self._ahead).popleft()
            if key in self._taken:
                self._taken.discard(key)
                continue
            self._reading += 1
            began = max(self.env.now, self._read_from)
            self._read_from = began + self.chunk_bytes / self.read_cap
            self._after(began, partial(self._flow, key, began))

    def _after(self, began: float, what: Callable[[], None]) -> None:
        latency = self.env.timeout(began - self.env.now + self.tier.speed.latency)
        latency.callbacks.append(lambda _: what())

    def _flow(self, key: int, began: float) -> None:
        if key in self.tier:
            self.tier.stream.join(self.chunk_bytes, partial(self._ended, key, began, found=True))
        else:
            self._ended(key, began, found=False)

    def _ended(self, key: int, began: float, *, found: bool) -> None:
        self._reading -= 1
        if self.closed:
            return
        if found:
            self.bytes_read += self.chunk_bytes
            self.tier.use(key)
        self._begin_reads()
        self.done(ReadDone(key, began, self.env.now, found, self._reading > 0))

    def _begin_writes(self) -> None:
        while self._writing < self.tier.speed.writers and self._to_write:
            key, depth = self._to_write.popleft()
            self._writing += 1
            began = max(self.env.now, self._write_from)
            self._write_from = began + self.chunk_bytes / self.write_cap
            size = self.chunk_bytes * self.tier.speed.write_cost
            self._after(began, partial(self._flow_out, key, depth, size))

    def _flow_out(self, key: int, depth: int, size: float) -> None:
        self._flowing += 1
        began, together = self.env.now - self.tier.speed.latency, self._flowing
        self.tier.stream.join(size, partial(self._stored, key, depth, began, together))

    def _stored(self, key: int, depth: int, began: float, together: int) -> None:
        together = max(together, self._flowing)
        self._flowing -= 1
        self._writing -= 1
        self._unwritten.discard(key)
        if self.closed:  # a temporary that nobody publishes
            return
        self.bytes_written += self.chunk_bytes
        self.tier.written(key, depth)
        size, now = round(self.chunk_bytes), self.env.now
        rest = self._yielding.rest(size, now - began, now, patience=self.write_rest, together=together)
        self._write_from = max(self._write_from, now) + rest / self.tier.speed.writers
        self._begin_writes()
