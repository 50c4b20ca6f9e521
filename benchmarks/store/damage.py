"""Files that were damaged on the disk: whether one of them ever reaches memory as something else than was stored."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.store.tiers import MIB, key, open_store
from cake_engine.store.blockfile import HEADER_BYTES
from cake_engine.store.reader import PAGE_BYTES, page_buffer
from cake_engine.store.transfer import Transfer

BLOCK_BYTES = 65536
_KEY = key(1)


def measure(folder: Path, *, flips: int, others: int, seed: int) -> dict[str, float]:
    """Flip single bits, half of them in headers, half in payloads; cut files; zero pages of them, as power cuts do."""
    store, chance = open_store(folder, BLOCK_BYTES, 64 * MIB), random.Random(seed)
    block = np.random.default_rng(seed).integers(1, 256, BLOCK_BYTES, np.uint8).tobytes()
    buffer = page_buffer(store.file_bytes)

    def move(direction: str, row: memoryview) -> str | None:
        transfer = Transfer(job=0, owner="bench", key=_KEY, chunk=0, size=store.file_bytes)
        transfer.start(0.0)
        (store.save if direction == "save" else store.load)(transfer, lambda _: row, buffer)
        return transfer.failure

    move("save", memoryview(block))
    path = Path(store._directory.path_of(_KEY))
    whole = path.read_bytes()

    def undetected(damage: Callable[[bytearray], bytearray]) -> bool:
        path.write_bytes(damage(bytearray(whole)))
        row = bytearray(BLOCK_BYTES)
        return move("load", memoryview(row)) is None and row != block

    def flipped(file: bytearray, part: tuple[int, int]) -> bytearray:
        file[chance.randrange(*part)] ^= 1 << chance.randrange(8)
        return file

    parts = {0: (0, HEADER_BYTES), 1: (HEADER_BYTES, len(whole))}
    found = {
        "undetected_flips": sum(undetected(partial(flipped, part=parts[n % 2])) for n in range(flips)),
        "undetected_cuts": sum(undetected(lambda f: f[: chance.randrange(len(f))]) for _ in range(others)),
        "undetected_zeros": sum(undetected(lambda f: _zeroed(f, chance)) for _ in range(others)),
    }
    store.stop()
    return {"flips": flips, "cuts": others, "zeroed": others, **found}


def _zeroed(file: bytearray, chance: random.Random) -> bytearray:
    pages = len(file) // PAGE_BYTES
    first = chance.randrange(pages)
    last = chance.randrange(first, pages) + 1
    file[first * PAGE_BYTES : last * PAGE_BYTES] = bytes((last - first) * PAGE_BYTES)
    return file
