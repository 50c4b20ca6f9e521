"""Tenants of one folder: nothing is shared but the room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.cli import main
from cake_engine.config import ConfigError, TierConfig, TierKind
from cake_engine.store.blockfile import HEADER_BYTES
from cake_engine.store.blocks import BlockStore
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.keys import Fingerprint, place
from cake_engine.store.statistics import Recorder
from cake_engine.store.tenant import Tenant
from tests.unit.store.conftest import key_of
from tests.unit.store.one_row import OneRow

SALTS = {"search": bytes(range(32)), "legal": bytes(range(1, 33))}
KEYS = st.binary(min_size=36, max_size=36)


class Store(OneRow):
    """A tier of one tenant, or of nobody, that the test tends itself."""

    def __init__(self, root: Path, fingerprint: Fingerprint, tenant: Tenant | None, capacity: int = 1 << 20) -> None:
        tier = TierConfig(name="t", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=capacity)
        self.root = root
        self.keeper = Keeper(root, Limits(capacity), on_evicted=lambda files: None)
        super().__init__(BlockStore(tier, fingerprint, Recorder(), self.keeper, tenant=tenant), fingerprint.block_bytes)
        self.keeper.tend()


@pytest.fixture
def stores(tmp_path: Path, fingerprint: Fingerprint) -> Iterator[dict[str, Store]]:
    """Of two tenants and of nobody, in one folder with room for four blocks."""
    capacity = 4 * (HEADER_BYTES + fingerprint.block_bytes)
    tenants = {**{name: Tenant(salt) for name, salt in SALTS.items()}, "nobody": None}
    with ExitStack() as ends:
        made = {name: Store(tmp_path, fingerprint, tenant, capacity) for name, tenant in tenants.items()}
        for store in made.values():
            ends.callback(store.keeper._allowance.close)
        yield made


def blocks(root: Path) -> list[Path]:
    return sorted(root.rglob("*.kv"), key=lambda path: path.stat().st_mtime)


@given(st.lists(st.binary(min_size=32, max_size=64), min_size=2, max_size=4, unique=True), st.sets(KEYS, min_size=1))
def test_no_two_tenants_call_any_two_blocks_alike_or_by_their_keys(salts: list[bytes], keys: set[bytes]) -> None:
    tenants = [Tenant(salt) for salt in salts]
    names = [tenant.name_of(key) for tenant in tenants for key in keys]

    assert len({tenant.identity for tenant in tenants}) == len(salts)
    assert len({place(name) for name in [*names, *keys]}) == len(names) + len(keys)
    assert [Tenant(salts[0]).name_of(key) for key in keys] == names[: len(keys)], "one tenant always says the same"


def test_what_was_stored_under_a_salt_stays_where_it_is() -> None:
    tenant = Tenant(SALTS["search"])

    assert tenant.identity == "bb970d4d48af4ff2f08e1770dffede6d"
    assert tenant.name_of(key_of(1)).hex() == "eed476b08557801d04b03f5c32ae51cb719b75120a0a110c4a471859968a667b00000000"


def test_without_a_tenant_blocks_are_where_they_were_before_there_were_any(
    tmp_path: Path, fingerprint: Fingerprint, stores: dict[str, Store]
) -> None:
    assert fingerprint.folder == "org-model-321f8bbe0829bb027e2010da"
    assert "tenant" not in fingerprint.document
    stores["nobody"].move("save", 1)

    assert blocks(tmp_path) == [tmp_path / fingerprint.folder / place(key_of(1))]


@pytest.mark.parametrize("part", ["ab" * 16, "cd" * 16, ""])
def test_a_tenant_is_a_fingerprint_of_its_own(fingerprint: Fingerprint, part: str) -> None:
    assert replace(fingerprint, tenant=part).folder != fingerprint.folder


def test_equal_blocks_of_two_tenants_and_of_nobody_have_no_path_in_common(
    tmp_path: Path, fingerprint: Fingerprint, stores: dict[str, Store]
) -> None:
    for store in stores.values():
        assert store.move("save", 1) is None
    found = [path.relative_to(tmp_path) for path in blocks(tmp_path)]

    assert len({path.parts[0] for path in found}) == len({path.name for path in found}) == 3
    assert [path.parent.parent.name for path in found if key_of(1).hex() in path.name] == [fingerprint.folder]


@pytest.mark.parametrize("other", ["legal", "nobody"])
def test_what_a_tenant_stored_is_found_by_its_engines_and_by_no_other(
    fingerprint: Fingerprint, stores: dict[str, Store], other: str
) -> None:
    mine = stores["search"]
    mine.row[:] = b"\7" * len(mine.row)
    mine.move("save", 1)
    second = Store(mine.root, fingerprint, Tenant(SALTS["search"]))
    try:
        assert (second.store.contains(key_of(1)), second.move("load", 1), second.row) == (True, None, mine.row)
    finally:
        second.keeper._allowance.close()

    assert not stores[other].store.contains(key_of(1))
    assert stores[other].move("load", 1) == "missing"
    assert not any(stores[other].row)


def test_a_bad_block_of_a_tenant_is_removed_like_any_other(tmp_path: Path, stores: dict[str, Store]) -> None:
    stores["search"].move("save", 1)
    (path,) = blocks(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x99")

    assert stores["search"].move("load", 1) == "checksum"
    assert not path.exists()


def test_the_capacity_of_a_folder_holds_for_all_tenants_together(tmp_path: Path, stores: dict[str, Store]) -> None:
    first, second = stores["search"], stores["legal"]
    for number in range(4):
        assert first.move("save", number) is None
    oldest = blocks(tmp_path)[0]
    os.utime(oldest, (1000.0, 1000.0))

    assert second.move("save", 0) == "capacity"
    first.keeper._collector._ended = float("-inf")  # however slow the last count was, the next is due
    first.keeper.tend()  # the engine that is elected, of whichever tenant, makes room for all
    assert second.move("save", 0) is None

    assert not oldest.exists()
    assert sum(path.stat().st_size for path in blocks(tmp_path)) <= 4 * second.store.file_bytes


def test_the_commands_tell_tenants_apart(
    tmp_path: Path, stores: dict[str, Store], capsys: pytest.CaptureFixture[str]
) -> None:
    for store in stores.values():
        store.move("save", 1)
    salt = tmp_path.parent / f"{tmp_path.name}.salt"
    salt.write_bytes(SALTS["legal"])
    short = {name: Tenant(salt).identity[:8] for name, salt in SALTS.items()}

    def rows(*command: str) -> list[list[str]]:
        assert main(["store", *command]) == 0
        return [line.split() for line in capsys.readouterr().out.splitlines()]

    listed = [row for row in rows("ls", str(tmp_path)) if row[0] == "org/model"]
    assert {row[-2] for row in listed} == {*short.values(), "-"}
    assert [row[4] for row in rows("stat", str(tmp_path), "--salt", str(salt))[1:2]] == [short["legal"]]
    assert [row[-2] for row in rows("ls", str(tmp_path), "--salt", str(salt))[1:]] == [short["legal"]]
    assert rows("verify", str(tmp_path)) == [["3", "good"]]
    assert rows("gc", str(tmp_path), "--dry-run", "--capacity", "1")[-1][0] == "0"


def test_a_listing_by_something_that_is_no_salt_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "stat", str(tmp_path), "--salt", str(tmp_path / "salt")]) == 2
    assert "the tenant's salt cannot be read (No such file or directory)" in capsys.readouterr().err


UNUSABLE: dict[str, tuple[bytes | None, str]] = {
    "not there": (None, "cannot be read (No such file or directory): mount the Secret with it there"),
    "empty": (b"", "has 32 to 4096 bytes and this file has 0: make one with head -c 32 /dev/urandom"),
    "short": (bytes(31), "this file has 31"),
    "something else": (bytes(5000), "this file has more than 4096"),
}


@pytest.mark.parametrize("which", UNUSABLE)
def test_a_salt_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path, which: str) -> None:
    content, sentence = UNUSABLE[which]
    path = tmp_path / "salt"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as refusal:
        Tenant.read(path)

    assert str(refusal.value).startswith(f"{path}: ")
    assert sentence in str(refusal.value)


def test_a_folder_in_the_place_of_a_salt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Tenant.read(tmp_path)


@pytest.mark.parametrize(("size", "status"), [(31, 2), (32, 0), (4096, 0)])
def test_an_engine_does_not_start_without_the_salt_that_it_is_told_of(
    tmp_path: Path, size: int, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "salt").write_bytes(bytes(size))
    memory = '{"name": "memory", "kind": "Memory", "capacityBytes": 1}'
    config = tmp_path / "engine.json"
    config.write_text(f'{{"model": {{"name": "m"}}, "tiers": [{memory}], "saltFile": "{tmp_path / "salt"}"}}')

    assert main(["serve", "m", "--cake-config", str(config), "--show"]) == status
    assert ("this file has 31" in capsys.readouterr().err) == bool(status)
