"""What a tier's folder is said to hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cake_engine.cli import main
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.inventory import holdings
from cake_engine.store.keys import Fingerprint
from tests.unit.store.conftest import key_of


@pytest.fixture
def root(tmp_path: Path, fingerprint: Fingerprint) -> Path:
    directory = BlockDirectory(tmp_path, fingerprint)
    for number in range(3):
        directory.publish(key_of(number), memoryview(bytes(1 << 20)))
        os.utime(directory.path_of(key_of(number)), (1000 + number,) * 2)
    Path(f"{directory.path_of(key_of(0))}.{1:032x}.tmp").write_bytes(b"half a block")
    (tmp_path / "lost+found").mkdir()
    return tmp_path


def test_each_fingerprint_is_one_holding_and_other_folders_are_none(root: Path, fingerprint: Fingerprint) -> None:
    (ours,) = holdings(root, 2000.0)

    assert (ours.folder, ours.fingerprint["revision"]) == (fingerprint.folder, "r1")
    assert (ours.blocks, ours.temporaries, ours.last_used) == (3, 1, 1002)
    assert ours.size_bytes == 3 * (1 << 20) + len(b"half a block")


def test_the_listing_says_model_revision_blocks_and_size(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "ls", str(root)]) == 0

    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("org/model")]
    assert line.split()[1:6] == ["r1", "1", "3", "3.0", "1970-01-01T00:16:42Z"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["nowhere"], "cannot be read (No such file or directory)"), ([".", "--all"], "--all is not an argument")],
)
def test_a_listing_that_cannot_be_made_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "ls", *arguments]) == 2

    assert sentence in capsys.readouterr().err
