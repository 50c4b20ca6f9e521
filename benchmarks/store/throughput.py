"""Reads and writes of the tier beside those of the disk, in turns, and reads while others write."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from statistics import median

from benchmarks.store import device
from benchmarks.store.tiers import MIB, Mover, check

_FEW = 0.2
"""Share of the disk's write rate that capped writers are given."""


def beside_the_device(folder: Path, *, block_mib: int, threads: int, total_mib: int, rounds: int) -> dict[str, float]:
    """Rates of tier and disk, medians over the rounds. A write counts until it is on the disk."""
    size, raw, tier = block_mib * MIB, folder / "raw", folder / "tier"
    blocks = max(threads, total_mib // block_mib)
    total = blocks * size
    seconds: dict[str, list[float]] = {"device_write": [], "tier_write": [], "device_read": [], "tier_read": []}
    for round_ in range(rounds):
        mover = Mover(tier, size, threads)
        numbers = range(round_ * blocks, (round_ + 1) * blocks)
        mover.move("save", [rounds * blocks])  # the first save waits until the tier was counted
        os.sync()
        seconds["device_write"].append(device.write_seconds(raw, total, size, threads))
        began = time.monotonic()
        mover.move("save", numbers)
        os.sync()
        seconds["tier_write"].append(time.monotonic() - began)
        seconds["device_read"].append(device.read_seconds(raw, total, size, threads))
        seconds["tier_read"].append(mover.move("load", numbers))
        mover.store.stop()
        shutil.rmtree(tier)
    rates = {f"{name}_bytes_per_second": total / median(taken) for name, taken in seconds.items()}
    return {
        "read_vs_device": rates["tier_read_bytes_per_second"] / rates["device_read_bytes_per_second"],
        "write_vs_device": rates["tier_write_bytes_per_second"] / rates["device_write_bytes_per_second"],
        "direct": float(mover.store.reads_directly),
        **rates,
    }


def while_others_write(folder: Path, *, block_mib: int, threads: int, total_mib: int) -> dict[str, float]:
    """How many times longer reads take while the same engine writes, without a cap and with one."""
    size, blocks = block_mib * MIB, max(threads, total_mib // block_mib)
    mover = Mover(folder / "tier", size, threads)
    began = time.monotonic()
    mover.move("save", range(blocks))
    os.sync()
    rate = blocks * size / (time.monotonic() - began)
    alone = mover.move("load", range(blocks))
    slowdowns = {}
    for number, (name, cap) in enumerate({"uncapped": None, "capped": _FEW * rate}.items(), 1):
        writes = mover.transfers(range(number * blocks, (number + 1) * blocks))
        with mover.pool("save", cap) as pool:
            pool.submit(writes)
            slowdowns[f"read_slowdown_{name}"] = mover.move("load", range(blocks)) / alone
            pool.cancel()
            pool.wait_idle()
        check([write for write in writes if write.failure != "cancelled"])
        os.sync()
    mover.store.stop()
    return slowdowns
