"""One engine fails or dies at each call of the file system in turn; what the others then find and may write."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cake_engine.store.census import census
from tests.unit.store.engines import (
    CALLS_OF_A_PIECE,
    CAPACITY,
    FILE_BYTES,
    Engine,
    block,
    content,
    make_engines_steppable,
)
from tests.unit.store.stepping import Work

BLOCKS = CAPACITY // FILE_BYTES
CALLS = range(40)
"""More than a save or a round of collecting makes."""


class Folder:
    """A tier's folder and the engines on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engines: list[Engine] = []

    def engine(self) -> Engine:
        """One that has counted, or learned of the count."""
        self.engines.append(Engine(self.root, len(self.engines)))
        self.engines[-1].tend().step(CALLS_OF_A_PIECE)
        return self.engines[-1]

    def write(self, engine: Engine, keys: range) -> None:
        for key in keys:
            engine.save(key).step(CALLS_OF_A_PIECE)
            assert self.size() <= CAPACITY

    def size(self) -> int:
        return sum(file.size for file in census(self.root))

    def blocks(self) -> set[str]:
        return {Path(file.path).stem for file in census(self.root) if not file.temporary}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    make_engines_steppable(monkeypatch)
    folder = Folder(tmp_path / "tier")
    yield folder
    for engine in folder.engines:
        engine.die()


def fails(work: Work) -> None:
    """A mount that is gone: neither the call nor the cleaning up after it succeeds."""
    work.fail(errno.EIO)
    work.fail(errno.EIO)
    work.step(CALLS_OF_A_PIECE)


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("end", [Work.kill, fails])
def test_a_save_that_ends_at_any_call_makes_no_room_for_more_than_the_capacity(
    folder: Folder, calls: int, end: Callable[[Work], None]
) -> None:
    collector, writer = folder.engine(), folder.engine()
    folder.write(collector, range(BLOCKS - 1))
    save = writer.save(50)
    save.step(calls)
    whole = save.ended
    end(save) if not whole else None
    if end is Work.kill:
        writer.die()
        writer = folder.engine()
    folder.write(writer, range(100, 100 + BLOCKS))

    assert folder.blocks() >= {block(key).hex() for key in range(BLOCKS - 1)}
    assert not whole or block(50).hex() in folder.blocks()


@pytest.mark.parametrize("calls", CALLS)
def test_a_collector_that_dies_at_any_call_loses_nothing_and_another_makes_room(folder: Folder, calls: int) -> None:
    collector, other = folder.engine(), folder.engine()
    folder.write(other, range(BLOCKS))
    other.save(50).step(CALLS_OF_A_PIECE)  # finds no room, and asks for some
    collector.keeper._collector._ended = float("-inf")
    collector.tend().step(calls)
    collector.die()
    left = folder.blocks()
    assert len(left) >= BLOCKS - 1

    other.keeper._collector._ended = float("-inf")
    other.tend().step(CALLS_OF_A_PIECE)
    folder.write(other, range(50, 51))

    assert block(50).hex() in folder.blocks()
    assert len(folder.blocks() & left) >= BLOCKS - 2
    for key in range(BLOCKS):
        other.load(key).step(CALLS_OF_A_PIECE)
    assert {block(key).hex() for key, _ in other.found} == folder.blocks() - {block(50).hex()}
    assert all(found == content(key, other.number) for key, found in other.found)


@pytest.mark.parametrize("lead", range(20))
def test_of_two_writers_of_one_block_one_is_there_whole_however_their_calls_interleave(
    folder: Folder, lead: int
) -> None:
    one, other = folder.engine(), folder.engine()
    first, second = one.save(1), other.save(1)
    first.step(lead)
    while not (first.ended and second.ended):
        second.step()
        first.step()
        assert {file.size for file in census(folder.root) if not file.temporary} <= {FILE_BYTES}
    other.load(1).step(CALLS_OF_A_PIECE)

    ((_, found),) = other.found
    assert found in {content(1, one.number), content(1, other.number)}
    assert folder.size() == FILE_BYTES
