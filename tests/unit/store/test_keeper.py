"""A tier held to its capacity."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper, census

Make = Callable[..., Keeper]


class Evictions:
    """How many files left, and an event for it."""

    def __init__(self) -> None:
        self.files = 0
        self.happened = threading.Event()

    def __call__(self, files: int) -> None:
        self.files += files
        self.happened.set()


@pytest.fixture
def evictions() -> Evictions:
    return Evictions()


@pytest.fixture
def make(tmp_path: Path, evictions: Evictions) -> Iterator[Make]:
    made: list[Keeper] = []

    def keeper(capacity: int, *, ttl: float | None = None, interval: float = 30.0) -> Keeper:
        limits = Limits(capacity, ttl)
        made.append(Keeper(tmp_path / "tier", limits, on_evicted=evictions, interval_seconds=interval))
        return made[-1]

    yield keeper
    for one in made:
        one.stop()


def write(tmp_path: Path, name: str, *, size: int = 100, age: float = 0.0, suffix: str = ".kv") -> Path:
    path = tmp_path / "tier" / "model-0" / name[:3] / (name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_tier_that_does_not_exist_yet_is_empty(make: Make) -> None:
    keeper = make(1000)

    assert keeper.admit(100)
    assert keeper.used_bytes == 100


def test_what_others_wrote_counts(make: Make, tmp_path: Path) -> None:
    for n in range(9):
        write(tmp_path, f"abc{n}")
    keeper = make(1000)

    assert keeper.admit(100)
    assert not keeper.admit(100)


def test_a_write_that_failed_gives_its_room_back(make: Make) -> None:
    keeper = make(1000)
    assert keeper.admit(900)
    keeper.settle(900, 0)

    assert keeper.used_bytes == 0
    assert keeper.admit(900)


def test_a_full_tier_makes_room_from_its_longest_unused(make: Make, tmp_path: Path, evictions: Evictions) -> None:
    paths = [write(tmp_path, f"abc{n}", age=1000 - n) for n in range(9)]
    keeper = make(1000)
    assert keeper.admit(60)
    write(tmp_path, "abcnew", size=60)
    assert not keeper.admit(100)

    assert evictions.happened.wait(10)

    gone = [path for path in paths if not path.exists()]
    assert gone == paths[: len(gone)]
    assert sum(file.size for file in census(tmp_path / "tier")) <= 900
    assert evictions.files == len(gone) >= 1


def test_old_blocks_and_abandoned_temporaries_leave_on_their_own(
    make: Make, tmp_path: Path, evictions: Evictions
) -> None:
    old, young = write(tmp_path, "abcold", age=7200), write(tmp_path, "abcnew", age=10)
    left, fresh = write(tmp_path, "x", age=7200, suffix=".tmp"), write(tmp_path, "y", suffix=".tmp")
    make(10_000, ttl=3600)

    assert evictions.happened.wait(10)
    assert [path.exists() for path in (old, young, left, fresh)] == [False, True, False, True]


def test_files_that_are_not_ours_are_neither_counted_nor_removed(make: Make, tmp_path: Path) -> None:
    foreign = write(tmp_path, "notes", size=5000, age=1e6, suffix=".txt")
    manifest = tmp_path / "tier" / "model-0" / "fingerprint.json"
    manifest.write_text("{}")
    keeper = make(1000, ttl=1)

    assert keeper.admit(100)
    assert keeper.used_bytes == 100
    assert foreign.exists()
    assert manifest.exists()
