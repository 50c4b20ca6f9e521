"""Engines that are killed (SIGKILL) before a call of the file system that a seed draws; what they leave to others."""

from __future__ import annotations

import os
import random
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cells import MeasurementError
from benchmarks.store.tiers import fingerprint, key
from cake_engine.config import TierConfig, TierKind
from cake_engine.store.blocks import BlockStore
from cake_engine.store.census import census
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.reader import FileReader, page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.transfer import Transfer
from cake_engine.store.verification import GOOD, verify
from tests.unit.store.stepping import CALLS

BLOCK_BYTES = 16384
FILE_BYTES = BLOCK_BYTES + 4096
CAPACITY = 8 * FILE_BYTES
_SAVES = 10


def measure(folder: Path, *, points: int, seed: int) -> dict[str, float]:
    """Kill one engine after another over one folder, and look at it after each.

    Raises:
        MeasurementError: What was left is not in order: it names the seed and the point.
    """
    root, reader, chance = folder / "tier", FileReader(), random.Random(seed)
    calls, ended = 0, False
    while not ended:  # how many calls there are to be killed at
        calls += 25
        ended = _child(root, 0, calls)
    blocks = 0
    for point in range(points):
        _child(root, 1 + point, chance.randrange(calls))
        where = f"point {point} of seed {seed}"
        files = list(census(root))
        if sum(file.size for file in files) > CAPACITY:
            raise MeasurementError(f"{where}: the tier is over its capacity")
        for file in files:
            if not file.temporary and (outcome := verify(file.path, reader)) != GOOD:
                raise MeasurementError(f"{where}: {file.path} is {outcome}")
        blocks += sum(not file.temporary for file in files)
    if not _child(root, 1 + points, calls=None):
        raise MeasurementError("after all of them an engine could not do its work")
    return {"crash_points": points, "crash_calls": calls, "blocks_verified": blocks}


def _child(root: Path, number: int, calls: int | None) -> bool:
    """Whether an engine came to its end before so many calls."""
    if (pid := os.fork()) == 0:
        status = 1
        try:
            if calls is not None:
                _die_at(calls)
            _work(root, number)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    if os.WIFEXITED(ended) and os.WEXITSTATUS(ended):
        raise MeasurementError(f"engine {number} failed where it should have worked or died")
    return os.WIFEXITED(ended)


def _work(root: Path, number: int) -> None:
    """Count, save more than there is room for, make room, save again: each of them as an engine does."""
    tier = TierConfig(name="bench", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=CAPACITY)
    keeper = Keeper(root, Limits(CAPACITY), on_evicted=lambda _: None)
    store = BlockStore(tier, fingerprint(BLOCK_BYTES), Recorder(), keeper)
    buffer, row, saved = page_buffer(store.file_bytes), memoryview(bytes([number % 256]) * BLOCK_BYTES), 0
    keeper.tend()
    for save in range(_SAVES):
        transfer = Transfer(job=0, owner="r", key=key(number * _SAVES + save), chunk=0, size=store.file_bytes)
        transfer.start(0.0)
        store.save(transfer, lambda _: row, buffer)
        if transfer.failure == "capacity":
            keeper.tend()
        saved += transfer.failure is None
    if not saved:
        raise MeasurementError("nothing could be saved")


def _die_at(calls: int) -> None:
    left = iter(range(calls))

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **options: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return counting

    for module, name in CALLS:
        setattr(module, name, counted(getattr(module, name)))
