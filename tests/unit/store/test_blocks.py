"""Blocks between memory and files: exact, or refused, counted and removed."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cake_engine.config import TierConfig, TierKind
from cake_engine.store.blocks import BlockStore
from cake_engine.store.census import census
from cake_engine.store.eviction import Limits, choose
from cake_engine.store.keys import Fingerprint
from cake_engine.store.listing import Listing
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder, TierStatistics
from cake_engine.store.transfer import Transfer
from tests.unit.store.conftest import key_of


class Bench:
    """A store over ten rows of memory."""

    def __init__(self, root: Path, fingerprint: Fingerprint, capacity: int = 1 << 20) -> None:
        self.root = root
        self.rows = np.random.default_rng(0).integers(0, 256, (10, fingerprint.block_bytes), dtype=np.uint8)
        self.recorder = Recorder()
        tier = TierConfig(name="shared", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=capacity)
        self.store = BlockStore(tier, fingerprint, self.recorder)
        self.buffer = page_buffer(self.store.file_bytes)

    def move(self, direction: str, chunk: int, key: bytes) -> str | None:
        transfer = Transfer(job=0, owner="r", key=key, chunk=chunk, size=self.store.file_bytes)
        transfer.start(0.0)
        getattr(self.store, direction)(transfer, lambda row: memoryview(self.rows[row]), self.buffer)
        return transfer.failure

    def save(self, chunk: int, key: bytes) -> str | None:
        return self.move("save", chunk, key)

    def load(self, chunk: int, key: bytes) -> str | None:
        return self.move("load", chunk, key)

    def statistics(self) -> TierStatistics:
        return self.recorder.take("shared", used_bytes=0, capacity_bytes=0, queue_depth=0)

    def file(self) -> Path:
        (path,) = self.root.rglob("*.kv")
        return path


@pytest.fixture
def bench(tmp_path: Path, fingerprint: Fingerprint) -> Iterator[Bench]:
    bench = Bench(tmp_path / "tier", fingerprint)
    yield bench
    bench.store.stop()


def test_a_block_comes_back_byte_for_byte(bench: Bench) -> None:
    assert bench.save(0, key_of(1)) is None
    assert bench.load(5, key_of(1)) is None

    assert (bench.rows[5] == bench.rows[0]).all()
    counted = bench.statistics()
    assert counted.read_bytes == counted.write_bytes == bench.store.file_bytes
    assert (len(counted.read_seconds), len(counted.write_seconds)) == (1, 1)


def test_a_prefix_in_use_stays_whole_though_its_head_is_only_looked_up(bench: Bench) -> None:
    """A head that is computed each time is never read, and without it the tail would never be found."""
    head, tail, unused = (key_of(n) for n in range(3))
    for age, key in ((30_000, head), (20_000, tail), (10_000, unused)):
        bench.save(0, key)
        path = bench.store._directory.path_of(key)
        os.utime(path, (time.time() - age,) * 2)
    assert bench.store.contains(head)
    assert bench.load(0, tail) is None

    files = Listing(census(bench.root))
    leaving = [files[place] for place in choose(files, Limits(int(files.sizes.sum()), stop=0.7), time.time())]
    assert [Path(file.path).stem for file in leaving] == [unused.hex()]


def test_a_block_that_is_there_is_not_written_again(bench: Bench) -> None:
    bench.save(0, key_of(1))
    bench.save(0, key_of(1))

    assert len(bench.statistics().write_seconds) == 1


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: os.truncate(path, 5000), "truncated"),
        (lambda path: os.truncate(path, 0), "truncated"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "truncated"),
        (lambda path: path.write_bytes(bytes(path.stat().st_size)), "fingerprint"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x99"), "checksum"),
    ],
    ids=["deleted", "cut", "emptied", "lengthened", "zeroed", "flipped"],
)
def test_a_bad_file_reaches_no_memory_is_counted_and_removed(bench: Bench, damage: object, reason: str) -> None:
    bench.rows[0][-1] = 0
    bench.save(0, key_of(1))
    before = bench.rows[5].copy()
    damage(bench.file())  # type: ignore[operator]

    assert bench.load(5, key_of(1)) == reason
    assert (bench.rows[5] == before).all()
    assert bench.statistics().rejects == {reason: 1}
    assert list(bench.root.rglob("*.kv")) == []


def test_a_block_under_another_blocks_name_is_refused(bench: Bench) -> None:
    bench.save(0, key_of(1))
    wrong = Path(str(bench.file()).replace(key_of(1).hex(), key_of(2).hex()))
    target = wrong.parent.parent / key_of(2).hex()[:3] / wrong.name
    target.parent.mkdir(exist_ok=True)
    bench.file().rename(target)

    assert bench.load(5, key_of(2)) == "fingerprint"


def test_a_transfer_that_was_given_up_reaches_no_memory(bench: Bench) -> None:
    bench.save(0, key_of(1))
    before = bench.rows[5].copy()
    transfer = Transfer(job=0, owner="r", key=key_of(1), chunk=5, size=1)
    transfer.start(0.0)
    transfer.abandon("deadline")
    bench.store.load(transfer, lambda row: memoryview(bench.rows[row]), bench.buffer)

    assert (bench.rows[5] == before).all()
    assert bench.statistics().read_bytes == 0


def test_a_fault_of_our_own_memory_is_not_blamed_on_the_file(bench: Bench) -> None:
    def no_row(chunk: int) -> memoryview:
        raise ValueError("memory is gone")

    bench.save(0, key_of(1))
    transfer = Transfer(job=0, owner="r", key=key_of(1), chunk=5, size=1)
    transfer.start(0.0)

    with pytest.raises(ValueError, match="memory is gone"):
        bench.store.load(transfer, no_row, bench.buffer)
    assert bench.file().exists()
    assert bench.statistics().rejects == {}


FAULTS = {
    "no space left": (errno.ENOSPC, "no_space"),
    "over a quota": (errno.EDQUOT, "no_space"),
    "an I/O error": (errno.EIO, "io_error"),
    "a stale handle": (errno.ESTALE, "stale"),
    "no permission": (errno.EACCES, "denied"),
    "mounted read-only": (errno.EROFS, "denied"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_is_told_by_kind_and_only_pauses_writing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    number, reason = FAULTS[fault]

    def fail(file: int, content: memoryview) -> int:
        raise OSError(number, os.strerror(number))

    bench.save(1, key_of(1))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fail)
        assert bench.save(0, key_of(2)) == reason
        assert bench.load(5, key_of(1)) is None, "what is there can be read"

    assert bench.save(0, key_of(2)) == "paused"
    assert bench.store.used_bytes == bench.store.file_bytes
    bench.store._no_writes_until = float("-inf")  # the pause is over
    assert bench.save(0, key_of(2)) is None


@pytest.mark.parametrize("fault", ["an I/O error", "a stale handle", "no permission"])
@pytest.mark.parametrize("call", ["open", "preadv"])
def test_a_read_that_fails_is_told_by_kind_and_leaves_the_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: str, call: str
) -> None:
    number, reason = FAULTS[fault]
    made = getattr(os, call)

    def fail(file: str | int, *arguments: object) -> object:
        if isinstance(file, int) or file.endswith(".kv"):
            raise OSError(number, os.strerror(number))
        return made(file, *arguments)

    bench.save(0, key_of(1))
    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        assert bench.load(5, key_of(1)) == reason

    assert bench.load(5, key_of(1)) is None
    assert bench.statistics().rejects == {}


def test_a_full_tier_writes_nothing_and_says_so(tmp_path: Path, fingerprint: Fingerprint) -> None:
    bench = Bench(tmp_path / "small", fingerprint, capacity=3 * 8192)
    try:
        ends = [bench.save(n, key_of(n)) for n in range(4)]
    finally:
        bench.store.stop()

    assert ends[:3] == [None] * 3
    assert ends[3] in {"capacity", None}  # room may have been made meanwhile
    assert sum(path.stat().st_size for path in bench.root.rglob("*.kv")) <= 3 * 8192


def test_engines_of_different_revisions_share_a_folder_and_no_block(tmp_path: Path, fingerprint: Fingerprint) -> None:
    from dataclasses import replace

    one = Bench(tmp_path / "tier", fingerprint)
    other = Bench(tmp_path / "tier", replace(fingerprint, revision="r2"))
    try:
        one.save(0, key_of(1))
        assert other.load(5, key_of(1)) == "missing"
    finally:
        one.store.stop()
        other.store.stop()
