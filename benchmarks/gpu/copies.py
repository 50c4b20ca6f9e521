"""Bytes a second on each way, alone and together, and how much copies and steps slow each other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.curves import decode_step, step_seconds
from benchmarks.gpu.device import Copy
from benchmarks.gpu.sources import FileTier
from benchmarks.journal import Figures

_ROUNDS = 3
_ROWS = 16
_STEPS = 8
"""Steps that copies are to outlast."""


def measure(bench: Bench, folder: Path) -> Figures:
    """All of it; writes to the folder's disk."""
    size = bench.pool.page_bytes
    chunks = list(range(min(len(bench.rows), max(1, bench.sizes.file_bytes // size))))
    alone = _rate(bench, len(bench.rows))
    tier = FileTier(folder, bench.rows[: len(chunks)])
    try:
        saved = tier.save()
        tier.source.seconds(chunks)  # the first time, threads start and folders are looked up
        taken = tier.source.seconds(chunks)
        copies = _copies(bench, max(1, round(taken * alone / size)))
        together = tier.source.seconds(chunks)
        disturbed = _ended(copies) * size
    finally:
        tier.close()
    files = len(chunks) * size
    return {
        "host_to_device_bytes_per_second": alone,
        "rows_bytes_per_second": _rows_rate(bench, bench.rows[:_ROWS]),
        "unpinned_bytes_per_second": _rows_rate(bench, bench.rows[:_ROWS].clone()),
        "file_bytes_per_second": files / taken,
        "file_write_bytes_per_second": files / saved,
        "file_direct": float(tier.direct),
        "file_slowdown_by_copies": together / taken,
        "copy_slowdown_by_files": alone / disturbed,
        **_beside_steps(bench, alone),
    }


def _beside_steps(bench: Bench, alone: float) -> Figures:
    """How much longer steps take while pages behind them are copied, and the copies beside the steps."""
    middle, size = bench.longest // 2, bench.sizes.step_tokens
    prompt, figures = bench.prompt(bench.longest), Figures()
    span = prompt.tokens[middle : middle + size]
    decoders = bench.decoders(*bench.sizes.decoding[-1])
    steps: dict[str, Callable[[], object]] = {
        "prefill": lambda: bench.model.step(span, middle, prompt.table, bench.pool),
        "decode": decode_step(bench, decoders),
    }
    for name, step in steps.items():
        quiet = step_seconds(bench, step)
        count = max(2, round(_STEPS * quiet * alone / bench.pool.page_bytes))
        copies = _copies(bench, count)
        disturbed: list[float] = []
        while not disturbed or not copies[-1].done:
            before = bench.device.mark()
            step()
            after = bench.device.mark()
            after.wait()
            disturbed.append(after.seconds_since(before))
        figures[f"{name}_slowdown_by_copies"] = median(disturbed[:-1] or disturbed) / quiet
        figures[f"copy_slowdown_by_{name}"] = alone / (_ended(copies) * bench.pool.page_bytes)
    return figures


def _rate(bench: Bench, count: int) -> float:
    """Bytes a second of so many copies, nothing beside them; the median of some, and a first time is not counted."""
    found = [_ended(_copies(bench, count)) for _ in range(_ROUNDS + 1)]
    return median(found[1:]) * bench.pool.page_bytes


def _rows_rate(bench: Bench, rows: Tensor) -> float:
    """Bytes a second of rows that go over and are not laid into pages: what the way itself allows."""
    buffer = torch.empty_like(rows[0], device=bench.device.place)

    def going(row: Tensor) -> Callable[[], object]:
        return lambda: buffer.copy_(row, non_blocking=True)

    for _ in range(2):  # the first time, memory is touched and clocks rise
        rate = _ended([bench.device.copy(going(row)) for row in rows])
    return rate * rows[0].nbytes


def _copies(bench: Bench, count: int) -> list[Copy]:
    """Begin so many copies, into the second half of the pool."""
    chunks = range(len(bench.rows) // 2, len(bench.rows))
    return [bench.device.copy(_loading(bench, chunk)) for chunk in islice(cycle(chunks), count)]


def _loading(bench: Bench, chunk: int) -> Callable[[], object]:
    return lambda: bench.pool.load(chunk, bench.rows[chunk])


def _ended(copies: list[Copy]) -> float:
    """Wait for copies; returns how many a second there were while one was on its way."""
    copies[-1].wait()
    return len(copies) / sum(copy.seconds for copy in copies)
