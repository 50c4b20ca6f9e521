"""A tier to measure: its key space, its blocks, and threads that move them as the engine's do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.cells import MeasurementError
from cake_engine.config import WRITE_REST, TierConfig, TierKind
from cake_engine.store.bandwidth import Pace
from cake_engine.store.blocks import BlockStore
from cake_engine.store.keys import Fingerprint
from cake_engine.store.statistics import Recorder
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer
from cake_engine.store.transfers import TransferPool

MIB = 1 << 20
_SEED = 7
_CLAIM_BYTES = 1 << 40
"""Of a claim as they are: room is drawn from the ledger in parts of it, and with little of it for every few files."""


def fingerprint(block_bytes: int) -> Fingerprint:
    """The key space of a model that there is not."""
    return Fingerprint("bench", None, "bfloat16", "bench", block_tokens=32, block_bytes=block_bytes)


def key(number: int) -> bytes:
    """A key as vLLM makes them: a hash and the number of a group."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest() + bytes(4)


def open_store(folder: Path, block_bytes: int, capacity_bytes: int, tenant: Tenant | None = None) -> BlockStore:
    """A store as an engine opens it."""
    tier = TierConfig(name="bench", kind=TierKind.FILE_SYSTEM, path=str(folder), capacity_bytes=capacity_bytes)
    return BlockStore(tier, fingerprint(block_bytes), Recorder(), tenant=tenant)


class Mover:
    """A store, rows of memory, and a pool of threads for either direction."""

    def __init__(self, folder: Path, block_bytes: int, threads: int) -> None:
        """Fill the rows with bytes that no file system can shorten.

        Args:
            folder: Of the tier.
            block_bytes: Of one block.
            threads: That move them.
        """
        self.store = open_store(folder, block_bytes, _CLAIM_BYTES)
        self._rows = np.random.default_rng(_SEED).integers(0, 256, (2 * threads, block_bytes), np.uint8)
        self._threads = threads
        self.size = block_bytes

    @contextmanager
    def pool(self, direction: str, rate: float | None = None, patience: float = WRITE_REST) -> Iterator[TransferPool]:
        """Threads that save or load, at most so many bytes a second; writes rest as they do in service."""
        move = self.store.save if direction == "save" else self.store.load
        pool = TransferPool(
            direction,
            lambda transfer, buffer: move(transfer, self._row, buffer),
            threads=self._threads,
            buffer_bytes=self.store.file_bytes,
            pace=lambda: Pace(rate, patience),
            deadline_seconds=600.0,
            on_finished=lambda: None,
        )
        try:
            yield pool
        finally:
            pool.stop()

    def transfers(self, numbers: Sequence[int]) -> list[Transfer]:
        """A transfer for each of these blocks."""
        return [
            Transfer(job=0, owner="bench", key=key(n), chunk=n % len(self._rows), size=self.store.file_bytes)
            for n in numbers
        ]

    def move(self, direction: str, numbers: Sequence[int]) -> float:
        """Seconds to move these blocks, all asked for at once.

        Raises:
            MeasurementError: One was not moved.
        """
        transfers = self.transfers(numbers)
        with self.pool(direction) as pool:
            began = time.monotonic()
            pool.submit(transfers)
            pool.wait_idle()
            seconds = time.monotonic() - began
        check(transfers)
        return seconds

    def _row(self, chunk: int) -> memoryview:
        return memoryview(self._rows[chunk])


def check(transfers: Sequence[Transfer]) -> None:
    """Raise unless all have arrived.

    Raises:
        MeasurementError: One has not.
    """
    if failed := {transfer.failure for transfer in transfers if transfer.failure}:
        raise MeasurementError(f"blocks could not be moved: {', '.join(sorted(failed))}")
