"""`cake-engine store`: what it says of a tier, and that it changes nothing there."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cake_engine.cli import main
from cake_engine.store.blockfile import HEADER_BYTES, seal
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.keys import Fingerprint
from cake_engine.store.ledger import Ledger
from cake_engine.store.reader import FileReader
from tests.unit.store.conftest import key_of

MIB = 1 << 20


def put(root: Path, fingerprint: Fingerprint, number: int, *, age: float = 0.0) -> Path:
    directory, key = BlockDirectory(root, fingerprint), key_of(number)
    file = bytearray(HEADER_BYTES + MIB - HEADER_BYTES)
    seal(memoryview(file), codec=1, fingerprint=fingerprint.digest, key=key, position=0)
    directory.publish(key, memoryview(file))
    path = Path(directory.path_of(key))
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def blocks(tmp_path: Path, fingerprint: Fingerprint) -> list[Path]:
    """Six blocks of two revisions: five used now, a minute ago and so on to days, and one of the other revision."""
    ages = [0, 60, 7200, 2 * 86400, 30 * 86400]
    mine = [put(tmp_path, fingerprint, n, age=age) for n, age in enumerate(ages)]
    return [*mine, put(tmp_path, replace(fingerprint, revision="r2", weights="ab" * 16), 9)]


def said(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def state(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()[:200]) for p in root.rglob("*") if p.is_file()}


def test_stat_says_bytes_by_model_codec_and_age_and_their_sum(
    tmp_path: Path, blocks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "stat", str(tmp_path)]) == 0

    lines = {tuple(line[:2]): line[2:] for line in said(capsys)}
    assert lines[("org/model", "r1")] == ["-", "Raw", "-", "5", "5.0", "2.0", "1.0", "1.0", "1.0", "0"]
    assert lines[("org/model", "r2")] == ["abababab", "Raw", "-", "1", "1.0", "1.0", "0.0", "0.0", "0.0", "0"]
    assert lines[("all", "6")] == ["6.0", "3.0", "1.0", "1.0", "1.0", "0"]
    assert ("No", "engine") in lines


def test_stat_says_what_writers_hold(tmp_path: Path, blocks: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(tmp_path, 100 * MIB)
    ledger.report(held=MIB, written=0)
    try:
        assert main(["store", "stat", str(tmp_path)]) == 0
    finally:
        ledger.close()

    assert "not counted yet, 1.0 MiB held by 1 engines, 100.0 MiB" in capsys.readouterr().out


def test_verify_finds_every_kind_of_bad_block_names_it_and_touches_nothing(
    tmp_path: Path, blocks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    cut, flipped, zeroed, misplaced = blocks[1:5]
    os.truncate(cut, 5000)
    flipped.write_bytes(flipped.read_bytes()[:-1] + b"\x01")
    zeroed.write_bytes(bytes(MIB))
    misplaced.write_bytes(blocks[5].read_bytes())
    before = state(tmp_path)

    assert main(["store", "verify", str(tmp_path)]) == 1

    out = capsys.readouterr().out.splitlines()
    assert {tuple(line.split()) for line in out[:-1]} == {
        ("truncated", str(cut)),
        ("checksum", str(flipped)),
        ("fingerprint", str(zeroed)),
        ("fingerprint", str(misplaced)),
    }
    assert out[-1] == "1 checksum, 2 fingerprint, 2 good, 1 truncated"
    assert state(tmp_path) == before


def test_verify_goes_on_where_it_was_interrupted(
    tmp_path: Path, blocks: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = tmp_path.parent / f"{tmp_path.name}.progress"
    order = sorted(blocks)
    os.truncate(order[0], 5000)
    from cake_engine.commands import verify as command

    verify, seen = command.verify, list[str]()

    def interrupted(path: str, reader: FileReader) -> str:
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(path)
        return verify(path, reader)

    monkeypatch.setattr(command, "verify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(["store", "verify", str(tmp_path), "--resume", str(progress)])
    monkeypatch.setattr(command, "verify", lambda path, reader: (seen.append(path), verify(path, reader))[1])

    assert main(["store", "verify", str(tmp_path), "--resume", str(progress)]) == 1
    assert sorted(set(seen)) == [str(path) for path in order]
    assert len(seen) <= 7  # a folder that was begun is begun again
    assert capsys.readouterr().out.splitlines()[-1] == "5 good, 1 truncated"


def test_verify_keeps_to_its_bandwidth(tmp_path: Path, blocks: list[Path]) -> None:
    started = time.monotonic()

    assert main(["store", "verify", str(tmp_path), "--bandwidth", "20"]) == 0
    assert time.monotonic() - started >= 6 / 20 - 0.05


def test_a_block_evicted_while_verify_runs_is_not_bad(
    tmp_path: Path, blocks: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cake_engine.commands import verify as command

    census = command.census
    monkeypatch.setattr(command, "census", lambda root: [*census(root), *(blocks[0].unlink() or [])])

    assert main(["store", "verify", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 gone, 5 good"


def test_a_dry_run_says_what_would_leave_and_removes_nothing(
    tmp_path: Path, blocks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(tmp_path)

    assert main(["store", "gc", str(tmp_path), "--dry-run", "--capacity", str(5 * MIB), "--ttl", "604800"]) == 0

    lines = said(capsys)
    assert [line[:2] for line in lines[1:]] == [["2", "2.0"], ["2", "2.0"], ["4", "4.0"]]
    assert lines[1][2:4] == ["48.0", "h"]
    assert state(tmp_path) == before


def test_a_dry_run_takes_the_capacity_from_the_books(
    tmp_path: Path, blocks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(tmp_path, 3 * MIB)
    ledger.report(held=0, written=0)
    try:
        assert main(["store", "gc", str(tmp_path), "--dry-run"]) == 0
    finally:
        ledger.close()

    assert said(capsys)[-1] == ["2", "2.0"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stat", "nowhere"], "nowhere: cannot be read (No such file or directory); give the folder of a tier."),
        (["stat", ".", "--all"], "--all is not an argument of store stat"),
        (["gc", ".", "--dry-run"], "say what it may hold with --capacity BYTES."),
        (["verify", ".", "--resume", "bad.json"], "bad.json: not the progress of a verification"),
        (["verify", ".", "--resume", "other.json"], "other.json: the progress of /mnt/kv; remove it to verify"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text(json.dumps([1]))
    Path("other.json").write_text(json.dumps({"tier": "/mnt/kv", "after": "", "outcomes": {}}))

    assert main(["store", *arguments]) == 2
    assert sentence in capsys.readouterr().err
