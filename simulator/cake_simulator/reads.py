"""The books of one engine's reads: what is in memory, what is on its way there, and who wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Protocol

from simpy import Environment

from cake_engine.config import LiveConfig
from cake_engine.core.read_window import FEWEST_READS
from cake_engine.core.tier_cost import TierCost
from cake_engine.core.write_queue import write_room
from cake_simulator.counters import Counters
from cake_simulator.file_tier import FileTier
from cake_simulator.memory_tier import MemoryTier
from cake_simulator.port import Port, ReadDone


class Wanting(Protocol):
    """Whoever wants chunks: a plan in service, or a request that waits."""

    def arrived(self, chunk: int) -> None:
        """The chunk is in memory."""

    def missing(self, chunk: int) -> None:
        """The tier did not have it."""


class Reads:
    """Memory, and the ways to the tiers below it.

    Attributes:
        memory: The memory tier.
        ports: The tiers below it, fast to slow; tier 1 is the first.
        names: Of all tiers, "" for memory.
        costs: What reads take, by tier, learned as on a real engine.
        window_seconds: For how long the reads that a tier is given shall last.
    """

    def __init__(
        self,
        env: Environment,
        tiers: Iterable[FileTier],
        *,
        memory_chunks: int,
        chunk_bytes: float,
        counters: Counters,
        rouse: Callable[[], None],
    ) -> None:
        self._env, self._counters, self._rouse = env, counters, rouse
        self.chunk_bytes = max(1, round(chunk_bytes))
        self.memory = MemoryTier(memory_chunks)
        self.ports = [Port(env, tier, chunk_bytes, self._done, write_room(memory_chunks)) for tier in tiers]
        self.names = ["", *(port.tier.name for port in self.ports)]
        self.costs = {port.tier.name: TierCost(port.tier.speed.readers) for port in self.ports}
        self.window_seconds = 0.0
        self._coming: dict[int, int] = {}  # key to number of the tier it is read from
        self._wants: dict[int, list[tuple[Wanting, int]]] = {}
        self._heard = [0.0 for _ in self.names]  # when each tier last brought something, or owed nothing

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way."""
        return not self._coming

    def coming(self, key: int) -> bool:
        """Whether a chunk is on its way into memory."""
        return key in self._coming

    def here(self, key: int) -> bool:
        """Whether a chunk is in memory."""
        return key in self.memory and key not in self._coming

    def tier_of(self, key: int) -> int | None:
        """Number of the tier a chunk is on or comes from, 0 for memory; None where it is nowhere."""
        if key in self._coming:
            return self._coming[key]
        if key in self.memory:
            return 0
        return next((number for number, port in enumerate(self.ports, start=1) if key in port.tier), None)

    def look_up(self, key: int) -> int | None:
        """The same for a request: a tier that holds it keeps it longer, as whoever asks has a use for the prefix."""
        tier = self.tier_of(key)
        if tier:
            self.ports[tier - 1].tier.use(key)
        return tier

    def look(self) -> dict[str, float]:
        """By tier that owes something: seconds since it last brought anything."""
        reading, now = set(self._coming.values()), self._env.now
        self._heard = [heard if tier in reading else now for tier, heard in enumerate(self._heard)]
        return {self.names[tier]: now - self._heard[tier] for tier in reading}

    def room(self, tier: int) -> int:
        """Reads that a tier may be given now."""
        port, most = self.ports[tier - 1], max(1, self.memory.capacity // 2)
        window = most
        if curve := self.costs[port.tier.name].curve(self.chunk_bytes):
            one = max(1e-9, curve(FEWEST_READS) / FEWEST_READS)
            window = max(FEWEST_READS, int(self.window_seconds / one))
        return min(window - port.in_flight, most - len(self._coming))

    def begin(self, key: int, tier: int, *, ahead: bool) -> bool:
        """Read a chunk into memory; False when memory is full of what is needed."""
        if not self.memory.add(key, pinned=True):
            return False
        self._coming[key], self._wants[key] = tier, []
        self.ports[tier - 1].read(key, ahead=ahead)
        return True

    def join(self, key: int, wanting: Wanting, chunk: int, *, ahead: bool = False) -> None:
        """Somebody wants a chunk that is on its way; `ahead` for a request that waits."""
        self._wants[key].append((wanting, chunk))
        if not ahead:
            self.ports[self._coming[key] - 1].promote(key)

    def leave(self, key: int, wanting: Wanting) -> None:
        """Somebody wants it no more; a read that nobody wants is taken back if it has not begun."""
        wants = self._wants.get(key)
        if wants is None:
            return
        wants[:] = [entry for entry in wants if entry[0] is not wanting]
        if not wants and self.ports[self._coming[key] - 1].take_back(key):
            del self._coming[key], self._wants[key]
            self.memory.drop(key)

    def store(self, key: int, depth: int = 0) -> None:
        """A chunk was computed: into memory, and from there into every tier below.

        Args:
            key: Of the chunk.
            depth: Tokens of its prefix that stand before its end.
        """
        if self.memory.add(key):
            for port in self.ports:
                port.write(key, depth)

    def configure(self, live: LiveConfig) -> None:
        """Keep to the pace of this live configuration."""
        for port in self.ports:
            port.read_cap = live.load_bandwidth_bytes_per_second.get(port.tier.name, inf)
            port.write_cap = live.write_bandwidth_bytes_per_second.get(port.tier.name, inf)
            port.write_rest = live.write_rest

    def close(self) -> None:
        """The pod is gone."""
        for port in self.ports:
            port.closed = True

    def _done(self, read: ReadDone) -> None:
        tier, wants = self._coming.pop(read.key), self._wants.pop(read.key)
        self._heard[tier] = read.ended
        if read.found:
            name, counters = self.names[tier], self._counters
            counters.reads[name] = counters.reads.get(name, 0) + 1
            counters.read_seconds[name] = counters.read_seconds.get(name, 0.0) + read.ended - read.began
            self.costs[name].observe(self.chunk_bytes, read.began, read.ended, busy=read.busy)
        for wanting, chunk in wants:
            (wanting.arrived if read.found else wanting.missing)(chunk)
        if read.found:
            self.memory.unpin(read.key)
        else:
            self.memory.drop(read.key)
        self._rouse()
