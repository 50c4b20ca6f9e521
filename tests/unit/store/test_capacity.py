"""Capacity is a promise: four engines, as processes of their own, write one tier far beyond it, and die meanwhile."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from cake_engine.config import TierConfig, TierKind
from cake_engine.store.blocks import BlockStore
from cake_engine.store.keys import Fingerprint
from cake_engine.store.ledger import FOLDER
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.transfers import Transfer

FILE_BYTES = 2 * 4096
CAPACITY = 100 * FILE_BYTES


def engine(root: Path, fingerprint: Fingerprint) -> None:
    """Saves one block after another until it is killed."""
    tier = TierConfig(name="shared", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=CAPACITY)
    store = BlockStore(tier, fingerprint, Recorder())
    buffer, row = page_buffer(store.file_bytes), memoryview(bytes(fingerprint.block_bytes))
    for number in itertools.count():
        key = os.getpid().to_bytes(4, "big") + number.to_bytes(8, "big") + os.urandom(20)
        transfer = Transfer(job=0, owner="r", key=key[::-1], chunk=0, size=store.file_bytes)
        transfer.start(0.0)
        store.save(transfer, lambda chunk: row, buffer)
        if transfer.failure:
            time.sleep(0.002)


class Fleet:
    """Four engines on one tier, which can be held still to be counted."""

    def __init__(self, root: Path, fingerprint: Fingerprint) -> None:
        self.root = root
        self._fingerprint = fingerprint
        self.engines: list[BaseProcess] = []
        for _ in range(4):
            self.add()

    def add(self) -> None:
        process = multiprocessing.get_context("fork").Process(target=engine, args=(self.root, self._fingerprint))
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
        return max((folder.stat().st_mtime for folder in self.root.glob("org*/*")), default=0.0)

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
        process.kill()
        process.join()
        self.engines.remove(process)

    def close(self) -> None:
        for process in list(self.engines):
            self.kill(process)


@pytest.fixture
def fleet(tmp_path: Path, fingerprint: Fingerprint) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path / "tier", fingerprint)
    yield fleet
    fleet.close()


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def watch(fleet: Fleet, looks: int) -> list[int]:
    seen = []
    for _ in range(looks):
        time.sleep(0.02)
        seen.append(fleet.bytes_now())
    return seen


def test_four_engines_never_pass_the_capacity_though_collector_and_writers_are_killed(fleet: Fleet) -> None:
    until(lambda: fleet.bytes_now() > 0.85 * CAPACITY)
    seen = watch(fleet, 30)
    for _ in range(3):
        fleet.kill(fleet.collector())
        fleet.add()
        then = time.time()
        until(lambda then=then: fleet.newest() > then)
        seen += watch(fleet, 20)

    assert max(seen) <= CAPACITY
    assert min(seen) >= 0.5 * CAPACITY, "room that is never used is no capacity"


def test_after_the_collector_died_another_makes_room(fleet: Fleet) -> None:
    until(lambda: fleet.bytes_now() > 0.85 * CAPACITY)
    first = fleet.collector()
    fleet.kill(first)
    blocks = set(fleet.root.rglob("*.kv"))

    until(lambda: not blocks & set(fleet.root.rglob("*.kv")))  # all that was there has made room for others

    assert fleet.collector() is not first
    assert fleet.bytes_now() <= CAPACITY
