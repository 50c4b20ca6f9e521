"""Reading past the page cache, and what happens where that cannot be."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cake_engine.store.reader import FileReader, page_buffer

SIZES = [0, 1, 4095, 4096, 4097, 70_000]


@pytest.fixture
def opened() -> Iterator[list[int]]:
    files: list[int] = []
    yield files
    for file in files:
        os.close(file)


def written(folder: Path, size: int) -> tuple[Path, bytes]:
    path, content = folder / "file", bytes(n % 251 for n in range(size))
    path.write_bytes(content)
    return path, content


def read(reader: FileReader, path: Path, opened: list[int], size: int | None = None) -> bytes:
    size = path.stat().st_size if size is None else size
    buffer = page_buffer(max(1, size))
    opened.append(reader.open(str(path)))
    return bytes(buffer[: reader.read(opened[-1], size, buffer)])


def refuse(error: int, name: str, patch: pytest.MonkeyPatch) -> None:
    """The file system fails direct reads when they open or when they read, as kernels differ in."""
    call = getattr(os, name)

    def refusing(first: Any, second: Any, *rest: Any) -> Any:
        flags = second if name == "open" else _flags(first)
        if flags & os.O_DIRECT:
            raise OSError(error, os.strerror(error))
        return call(first, second, *rest)

    patch.setattr(os, name, refusing)


def _flags(file: int) -> int:
    return fcntl.fcntl(file, fcntl.F_GETFL)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_length_comes_back_past_the_page_cache(tmp_path: Path, opened: list[int], size: int) -> None:
    path, content = written(tmp_path, size)
    reader = FileReader()

    assert read(reader, path, opened) == content
    assert reader.direct, "the file system of the tests has direct reads"
    assert _flags(opened[-1]) & os.O_DIRECT


@pytest.mark.parametrize("call", ["open", "preadv"])
def test_a_file_system_without_direct_reads_is_read_through_the_cache_and_asked_once(
    tmp_path: Path,
    opened: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    path, content = written(tmp_path, 70_000)
    refuse(errno.EINVAL, call, monkeypatch)
    reader = FileReader()

    assert [read(reader, path, opened) for _ in range(3)] == [content] * 3
    assert not reader.direct
    assert len([r for r in caplog.records if "has no direct reads" in r.message]) == 1


def test_a_file_that_was_open_when_another_was_refused_is_read_as_well(
    tmp_path: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = written(tmp_path, 5000)
    reader, buffer = FileReader(), page_buffer(5000)
    opened += [reader.open(str(path)), reader.open(str(path))]
    refuse(errno.EINVAL, "preadv", monkeypatch)

    assert [bytes(buffer[: reader.read(file, 5000, buffer)]) for file in opened] == [content] * 2


@pytest.mark.parametrize("call", ["open", "preadv"])
def test_any_other_error_is_one_and_says_nothing_of_direct_reads(
    tmp_path: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path, _ = written(tmp_path, 5000)
    refuse(errno.EIO, call, monkeypatch)
    reader = FileReader()

    with pytest.raises(OSError, match="Input/output"):
        read(reader, path, opened)
    assert reader.direct


def test_a_file_that_became_shorter_is_read_as_far_as_it_goes(tmp_path: Path, opened: list[int]) -> None:
    path, content = written(tmp_path, 5000)

    assert read(FileReader(), path, opened, size=9000) == content


def test_a_read_that_comes_short_is_gone_on_with(
    tmp_path: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = written(tmp_path, 20_000)
    preadv = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, parts, at: min(preadv(file, parts, at), 5000 - at % 5000))

    assert read(FileReader(), path, opened) == content


def test_a_buffer_that_is_not_of_whole_pages_is_our_own_fault(tmp_path: Path, opened: list[int]) -> None:
    path, _ = written(tmp_path, 5000)
    opened.append(FileReader().open(str(path)))

    for buffer in (page_buffer(9000)[1:], page_buffer(5000)[:5000]):
        with pytest.raises(ValueError, match="whole pages"):
            FileReader().read(opened[0], 5000, buffer)
