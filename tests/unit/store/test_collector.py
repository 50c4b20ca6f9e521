"""What leaves a real tier, and who says so: positions in names, uses, orphans, pins, engines of other versions."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from cake_engine.core.retention import saving
from cake_engine.store.census import census
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.keys import Fingerprint, place
from cake_engine.store.ledger import Ledger
from cake_engine.store.manifest import MANIFEST
from cake_engine.store.orphans import ORPHAN_SECONDS
from tests.unit.store.conftest import key_of

SIZE = 4096
CAPACITY = 20 * SIZE


class Tier:
    """A folder, and the one engine that counts and removes there."""

    def __init__(self, root: Path, fingerprint: Fingerprint) -> None:
        self.root = root
        self.directory = BlockDirectory(root, fingerprint)
        self.keeper = Keeper(root, Limits(CAPACITY), on_evicted=lambda _: None, key_space=fingerprint.folder)

    def put(self, positions: Sequence[int], *, age: float = 0.0, seed: int = 0) -> list[Path]:
        """Blocks of one prefix, one for each position."""
        return [self.put_key(key_of(100 * seed + n, position), age) for n, position in enumerate(positions)]

    def put_key(self, key: bytes, age: float) -> Path:
        self.directory.publish(key, memoryview(bytes(SIZE)))
        return self.aged(Path(self.directory.path_of(key)), age)

    def put_version_1(self, names: Sequence[str], *, age: float) -> list[Path]:
        """Blocks as an engine of the first version of the format left them."""
        folder = self.root / "org-model-0123456789abcdef01234567"
        folder.mkdir(exist_ok=True)
        (folder / MANIFEST).write_text(json.dumps({"format_version": 1, "block_bytes": SIZE}))
        paths = [folder / place(bytes.fromhex(name)) for name in names]
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(bytes(SIZE))
            self.aged(path, age)
        return paths

    def aged(self, path: Path, age: float) -> Path:
        then = time.time() - age
        os.utime(path, (then, then))
        return path

    def collect(self) -> None:
        self.keeper._collector._ended = float("-inf")
        self.keeper.tend()

    def close(self) -> None:
        self.keeper._ledger.close()


@pytest.fixture
def tier(tmp_path: Path, fingerprint: Fingerprint) -> Tier:
    return Tier(tmp_path, fingerprint)


def left(*paths: Path) -> list[bool]:
    return [path.exists() for path in paths]


def test_of_prefixes_in_use_the_tails_stay(tier: Tier) -> None:
    prefixes = [tier.put([8192 * (n + 1) for n in range(10)], seed=seed) for seed in range(2)]
    tier.collect()

    assert [left(*prefix) for prefix in prefixes] == [[False] + [True] * 9] * 2


def test_a_prefix_that_is_used_from_count_to_count_outlives_one_that_is_not(tier: Tier) -> None:
    used = tier.put([64] * 9, age=500, seed=1)
    unused = tier.put([8192] * 9, age=500, seed=2)
    for age in (400, 300, 200):
        tier.collect()
        for path in used:
            tier.aged(path, age)
    for path in unused:
        tier.aged(path, 200)
    tier.put([1 << 20] * 4, seed=3)
    tier.collect()

    assert all(left(*used))
    assert left(*unused).count(False) == 4


def test_what_an_earlier_revision_or_format_left_goes_first(tier: Tier) -> None:
    old = tier.put_version_1([key_of(n).hex()[:72] for n in range(10)], age=ORPHAN_SECONDS + 60)
    own = tier.put([0] * 10, age=10 * ORPHAN_SECONDS)
    tier.collect()

    assert left(*own) == [True] * 10
    assert left(*old).count(False) == 2


def test_an_engine_of_the_earlier_version_keeps_its_blocks_as_long_as_it_lives(tier: Tier) -> None:
    old = tier.put_version_1([key_of(n).hex()[:72] for n in range(10)], age=ORPHAN_SECONDS + 60)
    own = tier.put([0] * 10, age=10 * ORPHAN_SECONDS)
    engine = Ledger(tier.root, CAPACITY)  # it names no key space
    engine.report(held=0, written=0)
    try:
        tier.collect()
    finally:
        engine.close()

    assert left(*old) == [True] * 10
    assert left(*own).count(False) == 2


def test_a_name_of_the_earlier_version_says_no_position(tier: Tier) -> None:
    tier.put_version_1(["00ff" + 28 * "00" + "ffffffff"], age=0)
    tier.put([16384])

    assert sorted(file.saving for file in census(tier.root)) == [saving(0), saving(16384)]


def test_an_engine_that_an_earlier_version_has_struck_from_the_books_says_again_what_it_uses(tier: Tier) -> None:
    tier.collect()
    books = tier.root / ".ledger/accounts.json"
    accounts = json.loads(books.read_text())
    for writer in accounts["writers"].values():
        del writer["key_space"]
    books.write_text(json.dumps(accounts))
    tier.keeper.tend()

    assert tier.keeper._ledger.read().key_spaces == {tier.directory.fingerprint.folder}


def test_what_is_pinned_stays_though_it_is_the_oldest_and_past_its_time(
    tmp_path: Path, fingerprint: Fingerprint
) -> None:
    tier = Tier(tmp_path, fingerprint)
    tier.keeper._collector._limits = Limits(CAPACITY, ttl_seconds=3600)
    keys = [key_of(n, 32 * n) for n in range(4)]
    pinned = [tier.put_key(key, 1e6) for key in keys]
    others = tier.put([1 << 20] * 16, seed=1)
    old = tier.put([1 << 20], age=1e6, seed=2)
    tier.keeper.pin(tier.directory.key_space, "system", keys)
    tier.keeper.tend()
    tier.collect()

    assert left(*pinned, *old) == [True] * 4 + [False]
    assert left(*others).count(False) == 2


def test_pins_never_keep_a_tier_over_its_capacity(tier: Tier) -> None:
    keys = [key_of(n, 32 * n) for n in range(20)]
    for key in keys:
        tier.put_key(key, 0)
    tier.keeper.pin(tier.directory.key_space, "everything", keys)
    tier.keeper.tend()
    tier.collect()

    assert sum(file.size for file in census(tier.root)) <= 0.9 * CAPACITY


def test_a_smaller_file_of_the_same_block_saves_more_by_the_byte(tier: Tier) -> None:
    plain, small = (key_of(n) for n in range(2))
    tier.put_key(plain, 0)
    tier.directory.publish(small, memoryview(bytes(SIZE // 4)))

    assert {file.size: file.saving for file in census(tier.root)} == {SIZE: 1.0, SIZE // 4: 4.0}
