"""Engines of two tenants, as processes: they write one tier far beyond its capacity, and can be held still."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.store.tiers import open_store
from cake_engine.store.ledger import FOLDER
from cake_engine.store.reader import page_buffer
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer

BLOCK_BYTES = 4096
FILE_BYTES = BLOCK_BYTES + 4096
CAPACITY = 100 * FILE_BYTES
ENGINES = 4
TENANTS = (Tenant(bytes(range(32))), Tenant(bytes(range(32, 64))))


def engine(root: Path, tenant: Tenant) -> None:
    """Saves one block after another until it is killed."""
    store = open_store(root, BLOCK_BYTES, CAPACITY, tenant)
    buffer, row = page_buffer(store.file_bytes), memoryview(bytes(BLOCK_BYTES))
    for number in itertools.count():
        key = os.getpid().to_bytes(4, "big") + number.to_bytes(8, "big") + os.urandom(20)
        transfer = Transfer(job=0, owner="r", key=key[::-1], chunk=0, size=store.file_bytes)
        transfer.start(0.0)
        store.save(transfer, lambda _: row, buffer)
        if transfer.failure:
            time.sleep(0.002)


class Fleet:
    """Four engines on one tier."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engines: list[BaseProcess] = []
        self._tenants = itertools.cycle(TENANTS)
        for _ in range(ENGINES):
            self.add()

    def add(self) -> None:
        """One more."""
        process = multiprocessing.get_context("fork").Process(target=engine, args=(self.root, next(self._tenants)))
        process.start()
        self.engines.append(process)

    def bytes_now(self) -> int:
        """Bytes on the tier at one instant, temporaries and all."""
        for process in self.engines:
            os.kill(process.pid or 0, signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid or 0, os.WSTOPPED | os.WNOWAIT)
        files = [p for p in self.root.rglob("*") if p.is_file() and FOLDER not in p.parts and p.suffix != ".json"]
        size = sum(path.stat().st_size for path in files)
        for process in self.engines:
            os.kill(process.pid or 0, signal.SIGCONT)
        return size

    def newest(self) -> float:
        """When the last block was written."""
        return max((folder.stat().st_mtime for folder in self.root.glob("bench*/*")), default=0.0)

    def collector(self) -> BaseProcess:
        """The engine that holds the collector's lock, as the kernel tells it."""
        inode = (self.root / FOLDER / "collector").stat().st_ino
        holders = {
            int(line.split()[4])
            for line in Path("/proc/locks").read_text().splitlines()
            if "->" not in line and line.split()[5].endswith(f":{inode}")
        }
        (holder,) = [process for process in self.engines if process.pid in holders]
        return holder

    def kill(self, process: BaseProcess) -> None:
        """End one at once, wherever it is."""
        process.kill()
        process.join()
        self.engines.remove(process)

    def close(self) -> None:
        """End all."""
        for process in list(self.engines):
            self.kill(process)


def overshoot(folder: Path, *, seconds: float, kills: int) -> dict[str, float]:
    """The most that four engines ever held beyond the capacity, their collector killed every now and then."""
    fleet, most, looks = Fleet(folder / "tier"), 0, 0
    try:
        for part in range(kills + 1):
            until = time.monotonic() + seconds / (kills + 1)
            while time.monotonic() < until:
                most, looks = max(most, fleet.bytes_now()), looks + 1
                time.sleep(0.01)
            if part < kills:
                fleet.kill(fleet.collector())
                fleet.add()
    finally:
        fleet.close()
    return {"capacity_overshoot": max(0.0, most / CAPACITY - 1), "fullest": most / CAPACITY, "looks": looks}
