"""A tier held to its capacity by each engine that writes it."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cake_engine.store import ledger
from cake_engine.store.census import census
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper

Make = Callable[..., Keeper]
KEY_SPACE = f"model-{0:024x}"
TEMPORARY = f".kv.{0:032x}.tmp"
FOREIGN = [
    "readme.kv",
    "backup/abc/abc0.kv",
    f"{KEY_SPACE}/fingerprint.json",
    f"{KEY_SPACE}/abc0.kv",
    f"{KEY_SPACE}/notes/abc0.kv",
    f"{KEY_SPACE}/abc/notes.kv",
    f"{KEY_SPACE}/abc/abc0.kv.tmp",
    f"{KEY_SPACE}/abc/abc0.kv.swp",
    f"{KEY_SPACE}/abc/abc0{TEMPORARY}~",
]


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

    def keeper(capacity: int, *, ttl: float | None = None, start: float = 1.0, stop: float = 0.9) -> Keeper:
        limits = Limits(capacity, ttl, start=start, stop=stop)
        made.append(Keeper(tmp_path / "tier", limits, on_evicted=evictions))
        made[-1].start()
        return made[-1]

    yield keeper
    for one in made:
        one.stop()


def write(tmp_path: Path, name: str, *, size: int = 100, age: float = 0.0, suffix: str = ".kv") -> Path:
    path = tmp_path / "tier" / KEY_SPACE / name[:3] / (name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def until(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_tier_that_does_not_exist_yet_is_empty(make: Make) -> None:
    keeper = make(1000)

    assert keeper.admit(100) is None
    keeper.settle(100, 100)
    assert keeper.used_bytes == 100


def test_what_was_there_before_counts(make: Make, tmp_path: Path) -> None:
    for n in range(9):
        write(tmp_path, f"abc{n}")
    keeper = make(1000)

    assert keeper.admit(100) is None
    assert keeper.admit(100) == "capacity"


def test_a_write_that_failed_gives_its_room_back(make: Make) -> None:
    keeper = make(1000)
    assert keeper.admit(900) is None
    keeper.settle(900, 0)

    assert keeper.used_bytes == 0
    assert keeper.admit(900) is None


def test_what_another_engine_holds_is_not_given_twice_and_comes_back_when_it_ends(make: Make) -> None:
    one, other = make(1000), make(1000)
    assert one.admit(600) is None
    assert other.admit(600) == "capacity"
    one.settle(600, 0)
    one.stop()

    until(lambda: other.admit(600) is None)


def test_a_full_tier_makes_room_from_its_longest_unused(make: Make, tmp_path: Path, evictions: Evictions) -> None:
    paths = [write(tmp_path, f"abc{n}", age=1000 - n) for n in range(10)]
    keeper = make(1000)
    assert keeper.admit(150) == "capacity"

    assert evictions.happened.wait(60)
    until(lambda: keeper.admit(150) is None)

    gone = [path for path in paths if not path.exists()]
    assert gone == paths[: len(gone)]
    assert evictions.files == len(gone) == 2
    assert sum(file.size for file in census(tmp_path / "tier")) == 800


def test_old_blocks_and_abandoned_temporaries_leave_on_their_own(
    make: Make, tmp_path: Path, evictions: Evictions
) -> None:
    old, young = write(tmp_path, "abc1", age=7200), write(tmp_path, "abc2", age=10)
    left, fresh = write(tmp_path, "abc3", age=7200, suffix=TEMPORARY), write(tmp_path, "abc4", suffix=TEMPORARY)
    make(10_000, ttl=3600)

    assert evictions.happened.wait(60)
    assert [path.exists() for path in (old, young, left, fresh)] == [False, True, False, True]


def test_age_is_told_by_the_file_systems_clock_not_by_this_machines(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = write(tmp_path, "abcf", suffix=TEMPORARY)
    old = write(tmp_path, "abc0", age=7200)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    make(10_000, ttl=3600)

    until(lambda: not old.exists())
    assert fresh.exists()


def test_files_that_are_not_ours_are_neither_counted_nor_removed(make: Make, tmp_path: Path) -> None:
    ours = write(tmp_path, "abc0", age=1e6)
    foreign = [tmp_path / "tier" / name for name in FOREIGN]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(5000))
        os.utime(path, (0, 0))
    keeper = make(1000, ttl=1)

    assert keeper.admit(100) is None
    until(lambda: not ours.exists() and keeper.used_bytes == 0)
    assert all(path.exists() for path in foreign)


def test_an_engine_that_writes_nothing_leaves_the_books_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = make(1000)
    assert keeper.admit(100) is None
    keeper.settle(100, 100)
    until(lambda: keeper.used_bytes == 100 and keeper._allowance.unreported == 0)
    reads, read, changes = [0], keeper._ledger.read, list[object]()
    monkeypatch.setattr(ledger, "publish", lambda *arguments: changes.append(arguments))
    monkeypatch.setattr(keeper._ledger, "read", lambda: (reads.__setitem__(0, reads[0] + 1), read())[1])

    until(lambda: reads[0] >= 3)
    assert changes == []


def test_a_keeper_that_ends_leaves_no_thread_and_no_file_open(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    keeper = Keeper(tmp_path / "tier", Limits(1000), on_evicted=lambda files: None)
    keeper.start()
    assert keeper.admit(100) is None
    keeper.settle(100, 100)
    keeper.stop()

    until(lambda: not [t for t in threading.enumerate() if t.name == "cake-keeper"])
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_volume_that_is_full_before_the_tier_is_loses_its_oldest_and_is_written_again(
    make: Make, tmp_path: Path, evictions: Evictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write(tmp_path, f"abc{n}", age=1000 - n) for n in range(10)]
    publish = ledger.publish

    def while_there_is_space(path: str, content: memoryview) -> None:
        if paths[0].exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        publish(path, content)

    monkeypatch.setattr(ledger, "publish", while_there_is_space)
    keeper = make(100_000)

    until(lambda: not paths[0].exists())
    until(keeper._counted.is_set)
    assert keeper.admit(100) is None
    assert all(path.exists() for path in paths[1:])


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOLCK, errno.ESTALE])
def test_books_that_cannot_be_kept_let_nothing_be_written_and_say_why_until_they_can(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def fail(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "publish", fail)
        keeper = make(1000)
        with pytest.raises(OSError, match=os.strerror(number)):
            until(lambda: keeper.admit(100) is None)
    until(keeper._counted.is_set)

    assert keeper.admit(100) is None
    assert len([r for r in caplog.records if "cannot be kept now" in r.message]) == 1
