"""The disk itself: direct reads and writes of one large file, by as many threads as the tier has, in equal parts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cake_engine.store.reader import page_buffer

_SEED = 7


def write_seconds(path: Path, total: int, part: int, threads: int) -> float:
    """Write a file of so many bytes in such parts, until it is on the disk."""
    content = np.random.default_rng(_SEED).integers(0, 256, part, np.uint8)
    buffers = [page_buffer(part) for _ in range(threads)]
    for buffer in buffers:
        np.copyto(np.frombuffer(buffer, np.uint8)[:part], content)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_DIRECT, 0o600)
    try:
        began = time.monotonic()
        _each_part(buffers, total, part, lambda buffer, at: os.pwritev(file, [buffer], at))
        os.fsync(file)
        return time.monotonic() - began
    finally:
        os.close(file)


def read_seconds(path: Path, total: int, part: int, threads: int) -> float:
    """Read that file in such parts."""
    buffers = [page_buffer(part) for _ in range(threads)]
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        began = time.monotonic()
        _each_part(buffers, total, part, lambda buffer, at: os.preadv(file, [buffer], at))
        return time.monotonic() - began
    finally:
        os.close(file)


def _each_part(buffers: list[memoryview], total: int, part: int, move: Callable[[memoryview, int], int]) -> None:
    """Move every part of a file, a thread for each buffer."""

    def run(number: int) -> None:
        for at in range(number * part, total, len(buffers) * part):
            done = 0
            while done < part:
                done += move(buffers[number][done:part], at + done)

    with ThreadPoolExecutor(len(buffers)) as pool:
        list(pool.map(run, range(len(buffers))))
