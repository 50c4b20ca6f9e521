"""What a tier did: counted by its threads, taken as one snapshot by whoever exports it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TierStatistics:
    """One tier, since the last snapshot; the gauges as of now.

    Attributes:
        tier: Name in the configuration.
        read_bytes: Of blocks that arrived in memory, headers included.
        write_bytes: Of blocks that were published, headers included.
        read_seconds: One figure a block: from its turn to verified in memory, without waiting in the queue.
        write_seconds: One figure a block: from its turn to published.
        rejects: Files that were not the block asked for, by `Reject` value.
        fallbacks: Reads and look-ups given up, by reason: deadline, io_error, stale (the handle of a file or folder
            that a server has lost), denied, error, lookup_deadline, lookup_error, lookup_queue_full.
        rested_seconds: For which no write was begun, because writes gave way.
        write_skips: Blocks not stored, by reason: queue_full, capacity, uncounted (nobody has counted what is there
            yet), no_space (or over a quota), denied (or mounted read-only), stale, io_error, deadline, paused (for a
            moment after a failed write), cancelled.
        cancels: Reads taken back before their turn.
        evictions: Files removed to hold capacity or age.
        used_bytes: On the tier, by all engines that share it, as last counted.
        capacity_bytes: Configured.
        queue_depth: Reads that wait or run.
        direct: Whether reads bypass the page cache.
    """

    tier: str
    read_bytes: int = 0
    write_bytes: int = 0
    read_seconds: tuple[float, ...] = ()
    write_seconds: tuple[float, ...] = ()
    rested_seconds: float = 0.0
    rejects: Mapping[str, int] = field(default_factory=dict)
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    write_skips: Mapping[str, int] = field(default_factory=dict)
    cancels: int = 0
    evictions: int = 0
    used_bytes: int = 0
    capacity_bytes: int = 0
    queue_depth: int = 0
    direct: bool = True


class Recorder:
    """Counts, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def read(self, size: int, seconds: float) -> None:
        """A block arrived."""
        with self._lock:
            self._read_bytes += size
            self._read_seconds.append(seconds)

    def wrote(self, size: int, seconds: float) -> None:
        """A block was published."""
        with self._lock:
            self._write_bytes += size
            self._write_seconds.append(seconds)

    def rejected(self, reason: str) -> None:
        """A file was not the block asked for."""
        with self._lock:
            self._rejects[reason] += 1

    def fell_back(self, reason: str) -> None:
        """A read or look-up was given up."""
        with self._lock:
            self._fallbacks[reason] += 1

    def skipped_write(self, reason: str, blocks: int = 1) -> None:
        """Blocks were not stored."""
        with self._lock:
            self._write_skips[reason] += blocks

    def cancelled(self, reads: int) -> None:
        """Reads were taken back."""
        with self._lock:
            self._cancels += reads

    def evicted(self, files: int) -> None:
        """Files were removed to hold capacity or age."""
        with self._lock:
            self._evictions += files

    def take(
        self,
        tier: str,
        *,
        used_bytes: int,
        capacity_bytes: int,
        queue_depth: int,
        rested_seconds: float = 0.0,
        direct: bool = True,
    ) -> TierStatistics:
        """All counts since the last call, with these gauges."""
        with self._lock:
            taken = TierStatistics(
                tier=tier,
                read_bytes=self._read_bytes,
                write_bytes=self._write_bytes,
                read_seconds=tuple(self._read_seconds),
                write_seconds=tuple(self._write_seconds),
                rested_seconds=rested_seconds,
                rejects=dict(self._rejects),
                fallbacks=dict(self._fallbacks),
                write_skips=dict(self._write_skips),
                cancels=self._cancels,
                evictions=self._evictions,
                used_bytes=used_bytes,
                capacity_bytes=capacity_bytes,
                queue_depth=queue_depth,
                direct=direct,
            )
            self._clear()
        return taken

    def _clear(self) -> None:
        self._read_bytes = self._write_bytes = self._cancels = self._evictions = 0
        self._read_seconds: list[float] = []
        self._write_seconds: list[float] = []
        self._rejects: Counter[str] = Counter()
        self._fallbacks: Counter[str] = Counter()
        self._write_skips: Counter[str] = Counter()


class RateMeter:
    """How fast a queue is served while it has work: bytes over busy seconds, recent work weighing most. Pure."""

    def __init__(self, memory_transfers: float = 32.0) -> None:
        """A meter that has seen nothing.

        Args:
            memory_transfers: Transfers after which older figures weigh 1/e.
        """
        self._keep = 1.0 - 1.0 / memory_transfers
        self._bytes = self._seconds = 0.0
        self._busy_since: float | None = None

    def started(self, now: float) -> None:
        """The queue has work; said again while it has, this changes nothing."""
        if self._busy_since is None:
            self._busy_since = now

    def served(self, size: int, now: float, *, idle: bool) -> None:
        """A transfer arrived; `idle` says that nothing waits or runs now."""
        since = now if self._busy_since is None else self._busy_since
        self._bytes = self._bytes * self._keep + size
        self._seconds = self._seconds * self._keep + max(0.0, now - since)
        self._busy_since = None if idle else now

    def skipped(self, now: float, *, idle: bool) -> None:
        """A transfer failed or was taken back: its time says nothing of the rate."""
        self._busy_since = None if idle else now

    @property
    def bytes_per_second(self) -> float | None:
        """None until something was served."""
        return self._bytes / self._seconds if self._seconds > 0 else None
