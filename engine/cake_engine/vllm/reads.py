"""Reads from the tiers into memory that are under way: of which chunk, from which tier, for whom.

A chunk is read once however many requests wait for it. Its read is of use as long as one of them does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from vllm.v1.kv_offload.base import OffloadKey


@dataclass
class _Read:
    tier: int
    requests: set[str] = field(default_factory=set)


class Reads:
    """Keys that are being read; tiers are counted from 1, as memory is tier 0."""

    def __init__(self) -> None:
        self._reads: dict[OffloadKey, _Read] = {}
        self._in_flight: Counter[int] = Counter()
        self._of: Counter[tuple[str, int]] = Counter()
        self._useless: defaultdict[int, list[OffloadKey]] = defaultdict(list)
        self._silent_since: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._reads)

    def begin(self, key: OffloadKey, tier: int, request: str) -> None:
        """A read was asked for."""
        if not self._in_flight[tier]:
            self._silent_since.pop(tier, None)
        self._reads[key] = _Read(tier)
        self._in_flight[tier] += 1
        self.join(key, request)

    def join(self, key: OffloadKey, request: str) -> None:
        """The request waits for this read as well, if there is one."""
        read = self._reads.get(key)
        if read is not None and request not in read.requests:
            read.requests.add(request)
            self._of[request, read.tier] += 1

    def leave(self, key: OffloadKey, request: str) -> None:
        """The request does not wait for this read any more; the last to leave makes it useless."""
        read = self._reads.get(key)
        if read is None or request not in read.requests:
            return
        read.requests.discard(request)
        self._forget(request, read.tier)
        if not read.requests:
            self._useless[read.tier].append(key)

    def settle(self, pending: Callable[[OffloadKey], bool], now: float) -> None:
        """Drop the reads that have ended.

        Args:
            pending: Whether a chunk is still on its way into memory.
            now: In seconds.
        """
        for key in [key for key in self._reads if not pending(key)]:
            self._silent_since[self._reads[key].tier] = now
            self.drop(key)

    def drop(self, key: OffloadKey) -> None:
        """This read has ended or was taken back."""
        read = self._reads.pop(key)
        self._in_flight[read.tier] -= 1
        for request in read.requests:
            self._forget(request, read.tier)

    def clear(self) -> None:
        """Nothing is under way any more."""
        for key in list(self._reads):
            self.drop(key)
        self._useless.clear()

    def take_useless(self) -> dict[int, list[OffloadKey]]:
        """By tier, reads that nobody waits for; told once."""
        useless = {
            tier: [key for key in keys if key in self._reads and not self._reads[key].requests]
            for tier, keys in self._useless.items()
        }
        self._useless.clear()
        return useless

    def tier(self, key: OffloadKey) -> int | None:
        """Where a chunk is being read from; None where it is not."""
        read = self._reads.get(key)
        return None if read is None else read.tier

    def in_flight(self, tier: int) -> int:
        """Chunks on their way from a tier."""
        return self._in_flight[tier]

    def ahead(self, tier: int, request: str) -> int:
        """Chunks on their way from a tier that this request does not wait for."""
        return self._in_flight[tier] - self._of[request, tier]

    def requests(self, tier: int) -> int:
        """Requests that wait for reads from a tier."""
        return sum(1 for _, other in self._of if other == tier)

    def wanted_only_by(self, requests: Container[str], tier: int) -> list[OffloadKey]:
        """Reads from a tier that only some of these requests wait for."""
        return [
            key
            for key, read in self._reads.items()
            if read.tier == tier and all(request in requests for request in read.requests)
        ]

    def silence(self, tier: int, now: float) -> float:
        """Seconds for which nothing has arrived from a tier although something is on its way."""
        return now - self._silent_since.setdefault(tier, now) if self._in_flight[tier] else 0.0

    def _forget(self, request: str, tier: int) -> None:
        self._of[request, tier] -= 1
        if not self._of[request, tier]:
            del self._of[request, tier]
