"""Where stored chunks come from: read into rows of CPU memory by the engine's own threads, under its own cap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from benchmarks.store.tiers import check, key, open_store
from cake_engine.core.tier_cost import TierCost
from cake_engine.store.bandwidth import Pace
from cake_engine.store.transfer import Transfer
from cake_engine.store.transfers import TransferPool

READERS = 8
"""Reads in flight, as the engine has them."""
_DEADLINE_SECONDS = 600.0
_WAIT_SECONDS = 0.05
"""After which a waiting request looks again; news wake it before."""
_PATIENCE_SECONDS = 180.0
_TAKEN_BACK = "cancelled"


@dataclass(frozen=True)
class Ended:
    """A read that ended.

    Attributes:
        failure: Why the chunk is not in memory; None where it is.
    """

    chunk: int
    failure: str | None


class Source(Protocol):
    """Brings chunks of one stored prefix into rows of CPU memory."""

    @property
    def name(self) -> str:
        """Of the tier."""

    @property
    def cap(self) -> float | None:
        """Bytes per second; None for none."""

    @property
    def cost(self) -> TierCost:
        """What reads take."""

    def ask(self, chunks: Iterable[int]) -> None:
        """Have chunks read, in this order."""

    def give_up(self, chunks: Iterable[int]) -> set[int]:
        """Take back those of these chunks whose reads have not begun; returns which."""

    def ended(self) -> Iterator[Ended]:
        """What has ended since the last call, but for what was taken back."""

    def wait(self) -> None:
        """Wait until something has ended, or for a moment."""

    def drain(self) -> None:
        """Take back what waits, and wait for what has begun."""


class PooledSource:
    """Reads by a pool of threads."""

    def __init__(
        self,
        name: str,
        perform: Callable[[Transfer, memoryview], None],
        *,
        chunk_bytes: int,
        buffer_bytes: int,
        cap: float | None = None,
        readers: int = READERS,
    ) -> None:
        """Start the threads.

        Args:
            name: Of the tier.
            perform: Brings one chunk into its row.
            chunk_bytes: That a chunk counts for.
            buffer_bytes: Of each thread's own buffer.
            cap: Bytes per second; None for none. It may be set at any time.
            readers: Threads.
        """
        self.name, self.cap = name, cap
        self._chunk_bytes = chunk_bytes
        self._news = threading.Event()
        self._pool = TransferPool(
            name,
            perform,
            threads=readers,
            buffer_bytes=buffer_bytes,
            pace=lambda: Pace(self.cap),
            deadline_seconds=_DEADLINE_SECONDS,
            on_finished=self._news.set,
        )

    @property
    def cost(self) -> TierCost:
        """What reads take."""
        return self._pool.cost

    def ask(self, chunks: Iterable[int]) -> None:
        """Have chunks read, in this order."""
        self._pool.submit([self._transfer(chunk) for chunk in chunks])

    def give_up(self, chunks: Iterable[int]) -> set[int]:
        """Take back those of these chunks whose reads have not begun; returns which."""
        return {transfer.chunk for transfer in self._pool.take_back([key(chunk) for chunk in chunks])}

    def ended(self) -> Iterator[Ended]:
        """What has ended since the last call, but for what was taken back."""
        self._news.clear()
        for transfer in self._pool.finished():
            if transfer.failure != _TAKEN_BACK:
                yield Ended(transfer.chunk, transfer.failure)

    def wait(self) -> None:
        """Wait until something has ended, or for a moment."""
        self._news.wait(_WAIT_SECONDS)

    def drain(self) -> None:
        """Take back what waits, and wait for what has begun."""
        self._pool.cancel()
        self._pool.wait_idle()
        self._pool.finished()

    def seconds(self, chunks: list[int]) -> float:
        """What reading these chunks takes, asked for at once.

        Raises:
            MeasurementError: One could not be read.
        """
        return _moved(self._pool, [self._transfer(chunk) for chunk in chunks])

    def close(self) -> None:
        """End the threads."""
        self._pool.stop()

    def _transfer(self, chunk: int) -> Transfer:
        return Transfer(job=0, owner=self.name, key=key(chunk), chunk=chunk, size=self._chunk_bytes)


def paced(rows: Tensor, cap: float) -> PooledSource:
    """Storage that brings so many bytes a second, whatever there is here: the paper's own.

    Its chunks lie in memory already and are let through when a link of that bandwidth would have brought them. What
    comes after it, the copy to the device and the choice of what to load, is real.
    """

    def arrive(transfer: Transfer, buffer: memoryview) -> None:  # noqa: ARG001 - nothing is moved
        transfer.moved = transfer.size

    return PooledSource("storage", arrive, chunk_bytes=rows[0].nbytes, buffer_bytes=1, cap=cap, readers=2)


class FileTier:
    """The engine's own store in a folder: verified, past the page cache.

    Attributes:
        source: Reads it into the rows.
    """

    def __init__(self, folder: Path, rows: Tensor, cap: float | None = None) -> None:
        """Open it.

        Args:
            folder: On the disk to measure.
            rows: Of CPU memory, one a chunk.
            cap: Bytes per second; None for none.
        """
        self._rows, size = rows, rows[0].nbytes
        self._store = open_store(folder.resolve(), size, 4 * rows.nbytes + (1 << 26))
        self.source = PooledSource(
            "file",
            lambda transfer, buffer: self._store.load(transfer, self._row, buffer),
            chunk_bytes=self._store.file_bytes,
            buffer_bytes=self._store.file_bytes,
            cap=cap,
        )

    @property
    def direct(self) -> bool:
        """Whether reads bypass the page cache."""
        return self._store.reads_directly

    def save(self) -> float:
        """Write all rows; returns the seconds.

        Raises:
            MeasurementError: One could not be written.
        """
        pool = TransferPool(
            "save",
            lambda transfer, buffer: self._store.save(transfer, self._row, buffer),
            threads=READERS,
            buffer_bytes=self._store.file_bytes,
            pace=Pace,
            deadline_seconds=_DEADLINE_SECONDS,
            on_finished=lambda: None,
        )
        try:
            self._await_count(pool)
            return _moved(pool, [self._saving(chunk) for chunk in range(len(self._rows))])
        finally:
            pool.stop()

    def close(self) -> None:
        """End its threads."""
        self.source.close()
        self._store.stop()

    def _await_count(self, pool: TransferPool) -> None:
        """Write one chunk as soon as the tier's files were counted: before that the store refuses to write any."""
        limit = time.monotonic() + _PATIENCE_SECONDS
        while True:
            first = self._saving(0)
            pool.submit([first])
            pool.wait_idle()
            if first.failure != "uncounted" or time.monotonic() > limit:
                return
            time.sleep(_WAIT_SECONDS)

    def _saving(self, chunk: int) -> Transfer:
        return Transfer(job=0, owner="save", key=key(chunk), chunk=chunk, size=self._store.file_bytes)

    def _row(self, chunk: int) -> memoryview:
        return self._rows[chunk].numpy().data


def _moved(pool: TransferPool, transfers: list[Transfer]) -> float:
    """Seconds until all of them are there."""
    began = time.perf_counter()
    pool.submit(transfers)
    pool.wait_idle()
    seconds = time.perf_counter() - began
    pool.finished()
    check(transfers)
    return seconds
