"""`cake-engine store export` and `import`: blocks between tiers, and what is refused of an archive."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cake_engine.cli import main
from cake_engine.config import TierConfig, TierKind
from cake_engine.store.blockfile import HEADER_BYTES
from cake_engine.store.blocks import BlockStore
from cake_engine.store.cipher import Cipher
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.keys import Fingerprint
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer
from tests.unit.store.conftest import key_of

CAPACITY = 1 << 20
FILE_BYTES = 2 * HEADER_BYTES


class Engine:
    """An engine's store; its keeper's work is done here, at once."""

    def __init__(self, root: Path, fingerprint: Fingerprint, capacity: int = CAPACITY, **whose: object) -> None:
        tier = TierConfig(name="t", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=capacity)
        self.keeper = Keeper(root, Limits(capacity), on_evicted=lambda _: None)
        self.store = BlockStore(tier, fingerprint, Recorder(), self.keeper, **whose)  # type: ignore[arg-type]
        self.row = bytearray(fingerprint.block_bytes)
        self.keeper.tend()

    def save(self, *numbers: int) -> None:
        for number in numbers:
            self.row[:] = bytes([number]) * len(self.row)
            assert self._move(self.store.save, number) is None
        self.keeper.tend()

    def finds(self, number: int) -> bool:
        self.row[:] = bytes(len(self.row))
        found = self._move(self.store.load, number) is None
        assert not found or bytes(self.row) == bytes([number]) * len(self.row)
        return found

    def stop(self) -> None:
        self.keeper._allowance.close()

    def _move(self, move: Callable[..., None], number: int) -> str | None:
        transfer = Transfer(job=0, owner="r", key=key_of(number), chunk=0, size=self.store.file_bytes)
        transfer.start(0.0)
        move(transfer, lambda chunk: memoryview(self.row), page_buffer(self.store.file_bytes))
        return transfer.failure


@pytest.fixture
def make(tmp_path: Path, fingerprint: Fingerprint) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def engine(tier: str, space: Fingerprint = fingerprint, **how: object) -> Engine:
        (tmp_path / tier).mkdir(exist_ok=True)
        made.append(Engine(tmp_path / tier, space, **how))  # type: ignore[arg-type]
        return made[-1]

    yield engine
    for one in made:
        one.stop()


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., int]:
    return lambda name, tier, *rest: main(["store", name, str(tmp_path / tier), str(tmp_path / "kv.tar"), *rest])


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


def rewrite(path: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    found = members(path)
    change(found)
    with tarfile.open(path, "w") as archive:
        for name, content in found.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_blocks_of_one_tier_are_found_on_another_that_an_engine_is_using(
    make: Callable[..., Engine], command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    make("old").save(1, 2, 3)
    user = make("new")
    user.save(3, 4)

    assert command("export", "old") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "3 good"
    assert command("import", "new") == 0

    assert capsys.readouterr().out == "2 good, 1 there already\n"
    assert all(user.finds(number) for number in (1, 2, 3, 4))
    assert command("import", "new") == 0, "what was imported is there already"
    assert capsys.readouterr().out == "3 there already\n"


@pytest.mark.parametrize("whose", [{"tenant": Tenant(bytes(32))}, {"cipher": Cipher(bytes(32))}], ids=("tenant", "key"))
def test_blocks_of_a_tenant_or_a_key_are_found_by_those_who_have_it_alone(
    make: Callable[..., Engine], command: Callable[..., int], whose: dict[str, object]
) -> None:
    make("old", **whose).save(1)
    assert command("export", "old") == 0
    users = make("new", **whose), make("new")
    assert command("import", "new") == 0

    assert [user.finds(1) for user in users] == [True, False]


def test_one_exports_the_blocks_of_a_model_a_tenant_or_lately_used(
    make: Callable[..., Engine],
    command: Callable[..., int],
    tmp_path: Path,
    fingerprint: Fingerprint,
) -> None:
    make("old").save(1, 2)
    make("old", replace(fingerprint, model="other")).save(3)
    salt = tmp_path / "salt"
    salt.write_bytes(bytes(32))
    make("old", tenant=Tenant(bytes(32))).save(4)
    (aged,) = (tmp_path / "old" / fingerprint.folder).rglob(f"{key_of(2).hex()}.kv")
    os.utime(aged, (0, 0))

    def exported(*chosen: str) -> int:
        assert command("export", "old", *chosen) == 0
        return sum(name.endswith(".kv") for name in members(tmp_path / "kv.tar"))

    assert exported() == 4
    assert exported("--model", "other") == 1
    assert exported("--used-within", "86400") == 3
    assert exported("--salt", str(salt)) == 1


def test_bad_blocks_are_named_and_left_out_and_the_tier_stays_as_it_is(
    make: Callable[..., Engine], command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make("old").save(1, 2)
    bad = next((tmp_path / "old").rglob("*.kv"))
    bad.write_bytes(bytes(FILE_BYTES))
    stranger = tmp_path / "old" / f"stranger-{'0' * 24}"
    stranger.mkdir()

    assert command("export", "old") == 1

    said = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in said[:2]] == [["unknown", str(stranger)], ["fingerprint", str(bad)]]
    assert said[-1] == "1 fingerprint, 1 good, 1 unknown"
    assert bad.exists()
    assert (tmp_path / "kv.tar").stat().st_mode & 0o077 == 0, "prompts can be read out of it"


def swap(found: dict[str, bytes]) -> None:
    """One block under the name of another."""
    first, second = (name for name in found if name.endswith(".kv"))
    found[first] = found[second]


def flip(found: dict[str, bytes]) -> None:
    name = next(name for name in found if name.endswith(".kv"))
    found[name] = found[name][:-1] + bytes([found[name][-1] ^ 1])


def climb(found: dict[str, bytes]) -> None:
    name = next(name for name in found if name.endswith(".kv"))
    found[f"../../{name}"] = found.pop(name)


def astray(found: dict[str, bytes]) -> None:
    name = next(name for name in found if name.endswith(".kv"))
    space, _, file = name.split("/")
    found[f"{space}/{file}"] = found.pop(name)


def anonymous(found: dict[str, bytes]) -> None:
    del found[next(iter(found))]


def of_the_future(found: dict[str, bytes]) -> None:
    name = next(iter(found))
    found[name] = json.dumps(json.loads(found[name]) | {"format_version": 2}).encode()


def enormous(found: dict[str, bytes]) -> None:
    name = next(name for name in found if name.endswith(".kv"))
    found[name] += bytes(FILE_BYTES)


REFUSED: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "a block under another's name": (swap, "1 fingerprint, 1 good"),
    "a flipped bit": (flip, "1 checksum, 1 good"),
    "a name outside of the tier": (climb, "1 foreign, 1 good"),
    "a name that no block has": (astray, "1 foreign, 1 good"),
    "no fingerprint": (anonymous, "2 foreign"),
    "another version": (of_the_future, "3 foreign"),
    "a file longer than any block": (enormous, "1 foreign, 1 good"),
    "something else": (lambda found: found.update({"notes.txt": b"-"}), "1 foreign, 2 good"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_a_good_block_of_this_format_is_refused_by_name(
    make: Callable[..., Engine],
    command: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    change, outcome = REFUSED[what]
    make("old").save(1, 2)
    assert command("export", "old") == 0
    rewrite(tmp_path / "kv.tar", change)
    before = {path for path in tmp_path.rglob("*") if "new" not in path.parts}
    make("new")

    assert command("import", "new") == 1

    assert capsys.readouterr().out.splitlines()[-1] == outcome
    good = sum(int(part.split()[0]) for part in outcome.split(", ") if part.endswith(" good"))
    assert len(list((tmp_path / "new").rglob("*.kv"))) == good
    assert {path for path in tmp_path.rglob("*") if "new" not in path.relative_to(tmp_path).parts} == before


def test_blocks_take_the_room_that_is_free_and_push_out_nothing(
    make: Callable[..., Engine], command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    make("old").save(*range(10, 20))
    user = make("new", capacity=8 * FILE_BYTES)
    user.save(1, 2, 3, 4)
    assert command("export", "old") == 0

    assert command("import", "new") == 1

    imported = sum(user.finds(number) for number in range(10, 20))
    assert capsys.readouterr().out == f"{imported} good, {10 - imported} without room\n"
    assert imported == 3, "the engines make room from 95% of the capacity on"
    user.keeper._collector.collect()
    assert all(user.finds(number) for number in (1, 2, 3, 4))


def test_a_tier_that_no_engine_keeps_is_filled_up_to_the_capacity_that_is_told(
    make: Callable[..., Engine], command: Callable[..., int], tmp_path: Path
) -> None:
    make("old").save(1)
    assert command("export", "old") == 0
    (tmp_path / "new").mkdir()

    assert command("import", "new", "--capacity", str(CAPACITY)) == 0

    assert make("new").finds(1)


def test_an_archive_goes_through_a_pipe(
    make: Callable[..., Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("old").save(1)
    user = make("new")
    export = [sys.executable, "-m", "cake_engine.cli", "store", "export", str(tmp_path / "old"), "-"]
    with subprocess.Popen(export, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as exporting:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=exporting.stdout))
        assert main(["store", "import", str(tmp_path / "new"), "-"]) == 0

    assert exporting.returncode == 0
    assert user.finds(1)


def nothing(tmp_path: Path) -> None:
    pass


def gone(tmp_path: Path) -> None:
    (tmp_path / "kv.tar").unlink()


def no_archive(tmp_path: Path) -> None:
    (tmp_path / "kv.tar").write_bytes(b"not a tar")


def half_an_archive(tmp_path: Path) -> None:
    (tmp_path / "kv.tar").write_bytes((tmp_path / "kv.tar").read_bytes()[:9000])


@pytest.mark.parametrize(
    "case",
    [
        (nothing, ["nowhere"], "nowhere: cannot be read (No such file or directory)"),
        (nothing, ["empty"], "say what it may hold with --capacity BYTES."),
        (nothing, ["new", "--capacity", "1"], f"engines hold this tier to {CAPACITY} bytes"),
        (no_archive, ["new"], "kv.tar: no whole archive of blocks"),
        (half_an_archive, ["new"], "kv.tar: no whole archive of blocks"),
        (gone, ["new"], "kv.tar: the archive cannot be read (No such file"),
    ],
)
def test_an_import_that_cannot_be_done_is_one_sentence(
    make: Callable[..., Engine],
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    case: tuple[Callable[[Path], object], list[str], str],
) -> None:
    prepare, arguments, sentence = case
    make("old").save(1)
    assert command("export", "old") == 0
    prepare(tmp_path)
    make("new")
    (tmp_path / "empty").mkdir()

    assert command("import", *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_an_export_that_cannot_be_written_leaves_no_part_of_it(
    make: Callable[..., Engine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make("old").save(1)
    (tmp_path / "folder.tar").mkdir()
    before = set(tmp_path.iterdir())

    assert main(["store", "export", str(tmp_path / "old"), str(tmp_path / "folder.tar")]) == 2
    assert "the archive cannot be written" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before
