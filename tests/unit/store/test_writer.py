"""Files written past the page cache, where it can be, and whole where it cannot."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from cake_engine.store.publishing import publish
from cake_engine.store.reader import PAGE_BYTES, page_buffer
from cake_engine.store.writer import FileWriter

SIZES = [0, 1, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 5 * PAGE_BYTES, 5 * PAGE_BYTES + 4095]


def content(size: int, offset: int = 0) -> memoryview:
    buffer = page_buffer(max(1, size + offset))
    buffer[: size + offset] = bytes(n * 7 % 251 for n in range(size + offset))
    return buffer[offset : size + offset]


@pytest.mark.parametrize("offset", [0, 8])
@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_what_was_written_wherever_its_pages_begin_and_end(tmp_path: Path, size: int, offset: int) -> None:
    written = content(size, offset)
    publish(str(tmp_path / "file"), written, FileWriter().write)
    assert (tmp_path / "file").read_bytes() == bytes(written)


def test_whole_pages_bypass_the_cache_and_the_rest_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, int]] = []
    real = os.write

    def seen(file: int, part: memoryview) -> int:
        asked.append((bool(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT), len(part)))
        return real(file, part)

    monkeypatch.setattr(os, "write", seen)
    publish(str(tmp_path / "file"), content(3 * PAGE_BYTES + 10), FileWriter().write)
    assert asked == [(True, 3 * PAGE_BYTES), (False, 10)]


@pytest.mark.parametrize("refused_at", [0, 2 * PAGE_BYTES])
def test_a_file_system_that_refuses_direct_writes_gets_them_through_its_cache_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_at: int
) -> None:
    real, direct = os.write, list[int]()

    def short_then_refused(file: int, part: memoryview) -> int:
        if not fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT:
            return real(file, part)
        direct.append(len(part))
        if sum(direct) > len(part) or not refused_at:
            raise OSError(errno.EINVAL, "no direct writes")
        return real(file, part[:refused_at])

    monkeypatch.setattr(os, "write", short_then_refused)
    writer, written = FileWriter(), content(6 * PAGE_BYTES + 10)
    for name in ("one", "other"):
        publish(str(tmp_path / name), written, writer.write)
        assert (tmp_path / name).read_bytes() == bytes(written)
    assert not writer.direct
    assert len(direct) == (2 if refused_at else 1)


def test_a_full_disk_is_no_refusal_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, part: memoryview) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    writer = FileWriter()
    with pytest.raises(OSError, match="full"):
        publish(str(tmp_path / "file"), content(2 * PAGE_BYTES), writer.write)
    assert writer.direct
    assert list(tmp_path.iterdir()) == []
