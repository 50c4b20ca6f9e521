"""Files below one folder: whole or absent, whoever writes and whenever it dies."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from cake_engine.store.blockfile import BlockRejectedError, Reject
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.keys import BLOCK_SUFFIX, Fingerprint
from cake_engine.store.reader import page_buffer
from tests.unit.store.conftest import key_of

KEY = key_of(1)
CONTENT = bytes(range(256)) * 64


@pytest.fixture
def directory(tmp_path: Path, fingerprint: Fingerprint) -> BlockDirectory:
    return BlockDirectory(tmp_path / "tier", fingerprint)


def read(directory: BlockDirectory, key: bytes = KEY, size: int = len(CONTENT)) -> bytes:
    return bytes(directory.read(key, page_buffer(size)))


def files(root: Path, suffix: str) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.endswith(suffix)]


def test_a_published_block_is_read_whole(directory: BlockDirectory) -> None:
    assert not directory.contains(KEY)
    directory.publish(KEY, memoryview(CONTENT))

    assert directory.contains(KEY)
    assert read(directory) == CONTENT


def test_a_block_that_is_not_there_is_missing(directory: BlockDirectory) -> None:
    with pytest.raises(BlockRejectedError) as rejected:
        read(directory)

    assert rejected.value.reason is Reject.MISSING


def test_a_file_longer_than_any_block_is_not_read(directory: BlockDirectory) -> None:
    directory.publish(KEY, memoryview(CONTENT))

    with pytest.raises(BlockRejectedError, match="truncated"):
        read(directory, size=len(CONTENT) - 4096)


def test_a_discarded_block_is_gone_and_may_be_discarded_again(directory: BlockDirectory) -> None:
    directory.publish(KEY, memoryview(CONTENT))
    directory.discard(KEY)
    directory.discard(KEY)

    assert not directory.contains(KEY)


def test_publishing_leaves_no_temporary(directory: BlockDirectory) -> None:
    directory.publish(KEY, memoryview(CONTENT))
    directory.publish(KEY, memoryview(CONTENT[::-1]))

    assert read(directory) == CONTENT[::-1]
    assert files(directory.root, ".tmp") == []


def test_a_failed_write_reports_its_error_and_leaves_nothing(
    directory: BlockDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, content: memoryview) -> int:
        raise OSError(errno.ENOSPC, "no space")

    directory.publish(key_of(2), memoryview(CONTENT))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="no space"):
            directory.publish(KEY, memoryview(CONTENT))

    assert files(directory.root, ".tmp") == []
    assert not directory.contains(KEY)


@pytest.mark.parametrize("use", [read, lambda directory: directory.contains(KEY)], ids=["read", "look-up"])
@pytest.mark.parametrize("away", [-10_000, 10_000], ids=["old", "by a clock that is ahead of ours"])
def test_a_use_renews_a_file_unless_its_time_is_about_now(
    directory: BlockDirectory, use: Callable[[BlockDirectory], object], away: float
) -> None:
    directory.publish(KEY, memoryview(CONTENT))
    path = Path(directory.path_of(KEY))
    young, other = time.time() + 30, time.time() + away
    os.utime(path, (young, young))
    use(directory)
    assert path.stat().st_mtime == pytest.approx(young, abs=1)

    os.utime(path, (other, other))
    use(directory)

    assert abs(path.stat().st_mtime - other) > 5_000


def test_the_folder_says_whose_blocks_it_holds(directory: BlockDirectory, fingerprint: Fingerprint) -> None:
    directory.publish(KEY, memoryview(CONTENT))

    assert (directory.root / fingerprint.folder / "fingerprint.json").read_text() == fingerprint.document + "\n"


def test_a_writer_that_dies_leaves_no_half_account_of_whose_blocks_these_are(
    directory: BlockDirectory, fingerprint: Fingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = directory.root / fingerprint.folder / "fingerprint.json"

    def half(file: int, content: memoryview) -> int:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(OSError, match="input/output"):
            directory.publish(KEY, memoryview(CONTENT))
    assert not manifest.exists()
    directory.publish(key_of(2), memoryview(CONTENT))

    assert manifest.read_text() == fingerprint.document + "\n"


def test_a_file_system_that_is_full_only_when_the_file_is_closed_publishes_nothing(
    directory: BlockDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.publish(key_of(2), memoryview(CONTENT))
    close = os.close

    def full(file: int) -> None:
        close(file)
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", full)
        with pytest.raises(OSError, match="no space"):
            directory.publish(KEY, memoryview(CONTENT))

    assert not directory.contains(KEY)
    assert files(directory.root, ".tmp") == []


def test_short_writes_and_short_reads_are_gone_on_with(
    directory: BlockDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, read_at = os.write, os.preadv
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:1000]))
    monkeypatch.setattr(os, "preadv", lambda file, parts, at: read_at(file, [parts[0][:999]], at))
    directory.publish(KEY, memoryview(CONTENT))

    assert read(directory) == CONTENT


def test_reading_and_writing_leave_no_file_open(directory: BlockDirectory) -> None:
    before = set(os.listdir("/proc/self/fd"))
    directory.publish(KEY, memoryview(CONTENT))
    read(directory)
    with pytest.raises(BlockRejectedError):
        read(directory, size=1)
    with pytest.raises(BlockRejectedError):
        read(directory, key_of(9))

    assert set(os.listdir("/proc/self/fd")) == before


def write_forever(root: Path, fingerprint: Fingerprint, byte: int, started: Event) -> None:
    directory = BlockDirectory(root, fingerprint)
    content = memoryview(bytes([byte]) * len(CONTENT))
    while True:
        for number in range(4):
            directory.publish(key_of(number), content)
        started.set()


def writer(directory: BlockDirectory, byte: int) -> multiprocessing.Process:
    """A process that has published every block once and goes on."""
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=write_forever, args=(directory.root, directory.fingerprint, byte, started))
    process.start()
    assert started.wait(60)
    return process  # type: ignore[return-value]


def test_readers_see_one_writers_block_or_the_others_never_a_mixture(directory: BlockDirectory) -> None:
    writers = [writer(directory, byte) for byte in (1, 2)]
    try:
        seen = {read(directory, key_of(number % 4)) for number in range(2000)}
    finally:
        for process in writers:
            process.kill()
            process.join()

    assert seen <= {bytes([1]) * len(CONTENT), bytes([2]) * len(CONTENT)}


def test_a_writer_killed_at_any_time_leaves_whole_blocks_and_temporaries(directory: BlockDirectory) -> None:
    for _ in range(10):
        process = writer(directory, 7)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        blocks = files(directory.root, BLOCK_SUFFIX)
        assert {block.read_bytes() for block in blocks} == {bytes([7]) * len(CONTENT)}

    left = {path for path in directory.root.rglob("*") if path.is_file() and path.name != "fingerprint.json"}
    assert left == {*blocks, *files(directory.root, ".tmp")}
