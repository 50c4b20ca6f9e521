"""Prefixes that stay."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cake_engine.cli import main
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.keys import Fingerprint
from cake_engine.store.ledger import Ledger
from cake_engine.store.listing import StoredFile
from cake_engine.store.pins import MOST_PINS, TooManyPinsError, honoured, pins, remove, write
from tests.unit.store.conftest import key_of

MIB = 1 << 20


@pytest.fixture
def directory(tmp_path: Path, fingerprint: Fingerprint) -> BlockDirectory:
    """Ten blocks of a mebibyte."""
    directory = BlockDirectory(tmp_path, fingerprint)
    for number in range(10):
        directory.publish(key_of(number), memoryview(bytes(MIB)))
    return directory


def pin(directory: BlockDirectory, name: str, *numbers: int, made: float = 0.0) -> None:
    write(directory.key_space, name, [key_of(number) for number in numbers])
    os.utime(f"{directory.key_space}/pins/{name}.json", (made, made))


def files(directory: BlockDirectory, *numbers: int) -> list[StoredFile]:
    return [StoredFile(directory.path_of(key_of(n)), MIB, 0.0, temporary=False) for n in numbers]


def test_a_pin_names_the_files_of_its_blocks_until_it_is_taken_back(directory: BlockDirectory) -> None:
    pin(directory, "system", 2, 0, 77)

    (found,) = pins(directory.root)
    assert (found.name, found.key_space) == ("system", directory.fingerprint.folder)
    assert list(found.blocks) == [directory.path_of(key_of(number)) for number in (2, 0, 77)]
    assert remove(directory.key_space, "system")
    assert pins(directory.root) == []
    assert not remove(directory.key_space, "system")


def test_pins_hold_a_quarter_of_the_capacity_whole_and_in_the_order_in_which_they_were_made(
    directory: BlockDirectory,
) -> None:
    pin(directory, "third", 5, made=3)
    pin(directory, "first", 0, 1, made=1)
    pin(directory, "second", 2, 3, made=2)
    pin(directory, "fourth", 0, 6, made=4)

    def names(capacity: int, *, without: str = "") -> list[str]:
        kept = honoured(pins(directory.root), files(directory, *range(10)), capacity * MIB, without={without})
        return [one.name for one in kept]

    assert names(12) == ["first", "third"], "the second has no room, the third has"
    assert names(16) == ["first", "second"]
    assert names(24) == ["first", "second", "third", "fourth"], "a block that two have pinned takes room once"
    assert names(3) == []
    assert names(100, without=directory.fingerprint.folder) == []


def test_what_is_not_there_takes_no_room(directory: BlockDirectory) -> None:
    pin(directory, "system", *range(10))

    assert honoured(pins(directory.root), files(directory, 3), 4 * MIB) != []
    assert honoured(pins(directory.root), files(directory, 3, 4), 4 * MIB) == []


@pytest.mark.parametrize(
    "record",
    ["", "{}", "[]", '{"blocks": [1]}', '{"blocks": ["../../x"]}', '{"blocks": ["ABCD"]}', '{"blocks": ["a"]}'],
)
def test_a_record_that_nobody_can_have_written_is_no_pin(directory: BlockDirectory, record: str) -> None:
    pin(directory, "good", 0)
    Path(directory.key_space, "pins", "bad.json").write_text(record)
    Path(directory.key_space, "pins", "notes.txt").write_text("of somebody else")

    assert [found.name for found in pins(directory.root)] == ["good"]


def test_there_are_only_so_many_and_one_of_the_same_name_is_made_anew(directory: BlockDirectory) -> None:
    for number in range(MOST_PINS):
        pin(directory, f"p{number}", 0)

    with pytest.raises(TooManyPinsError, match="has 64 pins"):
        pin(directory, "one-more", 0)
    pin(directory, "p7", 5)
    assert json.loads(Path(directory.key_space, "pins", "p7.json").read_text()) == {"blocks": [key_of(5).hex()]}


def test_the_commands_list_pins_say_which_stay_and_take_one_back(
    directory: BlockDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    pin(directory, "assistant", 0, 1, 77, made=1)
    pin(directory, "too-large", 2, 3, 4, made=2)
    ledger = Ledger(directory.root, 16 * MIB)
    ledger.report(held=0, written=0)
    try:
        assert main(["store", "pins", str(directory.root)]) == 0
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert main(["store", "stat", str(directory.root)]) == 0
        assert "Pinned: assistant, too-large." in capsys.readouterr().out
    finally:
        ledger.close()

    folder = directory.fingerprint.folder
    assert lines[1:] == [
        ["assistant", "org/model", "2", "3", "2.0", "yes", folder],
        ["too-large", "org/model", "3", "3", "3.0", "no", "room", folder],
    ]
    assert main(["store", "unpin", str(directory.root), "assistant"]) == 0
    assert f"assistant of {folder} is no longer pinned" in capsys.readouterr().out
    assert [found.name for found in pins(directory.root)] == ["too-large"]
    assert main(["store", "unpin", str(directory.root), "assistant"]) == 2
    assert 'no pin is called "assistant"' in capsys.readouterr().err
