"""A tier of very many files: what a look-up takes, what is remembered of it, what counting and removing cost."""

from __future__ import annotations

import os
import random
import threading
import time
import tracemalloc
from pathlib import Path
from statistics import quantiles

from benchmarks.cells import MeasurementError
from benchmarks.store.tiers import fingerprint, key
from cake_engine.store.collector import Collector
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.eviction import Limits
from cake_engine.store.ledger import Ledger
from cake_engine.store.presence import PresenceCache

REQUEST_BLOCKS = 500
_CAPACITY = 1 << 40
_PATIENCE_SECONDS = 60.0


def measure(folder: Path, *, files: int, requests: int) -> dict[str, float]:
    """Figures of a tier of so many blocks; the files are empty, as nothing here reads them."""
    directory = BlockDirectory(folder, fingerprint(4096))
    began = time.monotonic()
    _populate(directory, files)
    made = time.monotonic() - began
    return {
        "files": files,
        "made_seconds": made,
        **_lookups(directory, files, requests),
        "bytes_per_block": _bytes_per_block(files),
        **_collecting(folder, files),
    }


def _populate(directory: BlockDirectory, files: int) -> None:
    known: set[str] = set()
    for number in range(files):
        path = directory.path_of(key(number))
        if (parent := os.path.dirname(path)) not in known:
            os.makedirs(parent, exist_ok=True)
            known.add(parent)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o660))


def _lookups(directory: BlockDirectory, files: int, requests: int) -> dict[str, float]:
    """A request's look-ups in milliseconds: what the scheduler waits when they are known, and until they are."""
    draw, answered = random.Random(files), threading.Event()
    cache = PresenceCache(directory.contains, on_answer=answered.set, on_fault=_fail)
    warm, cold = [], []
    try:
        for _ in range(requests):
            keys = [key(draw.randrange(files)) for _ in range(REQUEST_BLOCKS)]
            began, limit = time.perf_counter(), time.monotonic() + _PATIENCE_SECONDS
            while None in [cache.ask(one) for one in keys]:
                answered.wait(0.01)
                answered.clear()
                if time.monotonic() > limit:
                    raise MeasurementError("look-ups were not answered within a minute")
            cold.append(time.perf_counter() - began)
            began = time.perf_counter()
            found = [cache.ask(one) for one in keys]
            warm.append(time.perf_counter() - began)
            if not all(found):
                raise MeasurementError("a block that is there was not found")
    finally:
        cache.stop()
    return {"lookup_p99_ms": _p99(warm) * 1e3, "lookup_first_p99_ms": _p99(cold) * 1e3}


def _bytes_per_block(blocks: int) -> float:
    """Memory for one block that the engine has heard of; what is taken from the start is shared among them."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        cache = PresenceCache(lambda _: True, on_answer=lambda: None, on_fault=_fail, threads=0)
        for number in range(blocks):
            cache.note(key(number), True)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / blocks


def _collecting(folder: Path, files: int) -> dict[str, float]:
    """Seconds per million files: of a round that counts, and of one that removes all that it has counted."""
    gone: list[int] = []
    ledger = Ledger(folder, _CAPACITY)
    ledger.report(held=0, written=0)
    if not ledger.elected():
        raise MeasurementError("another engine collects here")
    seconds = []
    for ttl in (None, 1e-9):
        collector = Collector(folder, Limits(_CAPACITY, ttl), ledger, gone.append, interval_seconds=0.0)
        began = time.monotonic()
        collector.collect()
        seconds.append(time.monotonic() - began)
    ledger.close()
    if sum(gone) != files:
        raise MeasurementError(f"of {files} files {sum(gone)} were removed")
    count, remove = (taken * 1e6 / files for taken in seconds)
    return {"gc_count_seconds_per_million": count, "gc_remove_seconds_per_million": remove}


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def _fail(reason: str) -> None:
    raise MeasurementError(f"a look-up was given up: {reason}")
