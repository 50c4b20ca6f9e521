"""Many engines over one folder, stopped, failed and killed at any call of the file system, in any order.

Some are a tenant's, some are nobody's, and some have a revision that is given up. What holds at every instant: a read
is what an engine of the same kind wrote or a refusal; the tier is within its capacity; a temporary is never taken for a
block; nobody else's file is touched; what is pinned stays. And in the end, whoever died where: new engines can write,
all that is there can be read, nothing of the dead is left, and what has been given up made room first.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cake_engine.store.census import census
from cake_engine.store.eviction import TEMPORARY_SECONDS
from cake_engine.store.keys import BLOCK_SUFFIX, Fingerprint
from cake_engine.store.orphans import ORPHAN_SECONDS
from cake_engine.store.tenant import Tenant
from tests.unit.store.engines import (
    CALLS_OF_A_PIECE,
    CAPACITY,
    FILE_BYTES,
    GIVEN_UP,
    SPACE,
    Engine,
    block,
    content,
    make_engines_steppable,
)
from tests.unit.store.stepping import Work

ENGINES = 3
KINDS = ((None, SPACE), (Tenant(bytes(range(32))), SPACE), (None, GIVEN_UP))
FOREIGN = ("notes.txt", f"{SPACE.folder}/readme.kv", f"{SPACE.folder}/0ff/notes.kv", "other/0ff/0ff0.kv")


keys = st.integers(0, 6)
chances = st.integers(0, 1000)


class SharedTier(RuleBasedStateMachine):
    """A folder, engines that come and go, and what they are at.

    Every rule may be drawn at any time, and does nothing where it has nothing to do: what is drawn next must not hang
    on what the file system's times made of the steps before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        make_engines_steppable(self.patch)
        self.root = Path(tempfile.mkdtemp(prefix="cake-machine-"))
        self.engines: list[Engine] = []
        self.numbers = 0
        self.written: dict[tuple[str, int], set[bytes]] = {}
        self.damaged: set[str] = set()
        self.pinned: str | None = None
        self.stays = False
        for name in FOREIGN:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(name.encode())
            os.utime(self.root / name, (0, 0))

    @initialize()
    def two_engines_serve(self) -> None:
        for engine in (self.start(), self.start()):
            self.finish(engine.tend())

    def start(self) -> Engine:
        self.numbers += 1
        return self.start_of(*KINDS[self.numbers % len(KINDS)])

    def start_of(self, tenant: Tenant | None, fingerprint: Fingerprint) -> Engine:
        self.engines.append(Engine(self.root, self.numbers, tenant, fingerprint))
        return self.engines[-1]

    def engine(self, chance: int) -> Engine:
        """One of them; a new one where none is left."""
        if not self.engines:
            self.start()
        return self.engines[chance % len(self.engines)]

    def unfinished(self) -> list[Work]:
        return [work for engine in self.engines for work in engine.works if not work.ended]

    @staticmethod
    def finish(work: Work) -> None:
        work.step(CALLS_OF_A_PIECE)

    @rule()
    def an_engine_starts(self) -> None:
        if len(self.engines) < ENGINES:
            self.start()

    @rule(chance=chances, replaced=st.booleans())
    def an_engine_dies(self, chance: int, replaced: bool) -> None:
        engine = self.engine(chance)
        engine.die()
        self.check(engine)
        self.engines.remove(engine)
        if replaced:
            self.finish(self.start().tend())

    def save(self, engine: Engine, key: int) -> Work:
        self.written.setdefault((engine.folder, key), set()).add(content(key, engine.number))
        return engine.save(key)

    @rule(chance=chances, some=st.lists(keys, min_size=1, max_size=CAPACITY // FILE_BYTES + 1, unique=True))
    def an_engine_writes(self, chance: int, some: list[int]) -> None:
        for key in some:
            self.finish(self.save(self.engine(chance), key))

    @rule(chance=chances, key=keys, calls=st.integers(0, 30))
    def a_save_begins(self, chance: int, key: int, calls: int) -> None:
        self.save(self.engine(chance), key).step(calls)

    @rule(chance=chances, key=keys, calls=st.integers(0, 12), dies=st.booleans())
    def a_save_is_cut_short(self, chance: int, key: int, calls: int, dies: bool) -> None:
        """Its engine dies, or the mount goes: the call fails, and so does whatever would clean up."""
        work = self.save(self.engine(chance), key)
        work.step(calls)
        if dies:
            self.an_engine_dies(chance, replaced=True)
        else:
            work.fail(errno.EIO)
            work.fail(errno.EIO)
            self.finish(work)

    @rule(chance=chances, key=keys, calls=st.integers(0, 10), whole=st.booleans())
    def a_load_begins(self, chance: int, key: int, calls: int, whole: bool) -> None:
        self.engine(chance).load(key).step(CALLS_OF_A_PIECE if whole else calls)

    @rule(chance=chances, calls=st.integers(0, 60), whole=st.booleans())
    def a_keeper_tends(self, chance: int, calls: int, whole: bool) -> None:
        self.engine(chance).tend().step(CALLS_OF_A_PIECE if whole else calls)

    @rule(chance=chances, calls=st.integers(1, 30))
    def work_goes_on(self, chance: int, calls: int) -> None:
        if works := self.unfinished():
            works[chance % len(works)].step(calls)

    @rule(chance=chances, number=st.sampled_from([errno.EIO, errno.ENOSPC, errno.ESTALE, errno.EACCES]))
    def a_call_fails(self, chance: int, number: int) -> None:
        if works := self.unfinished():
            works[chance % len(works)].fail(number)

    @rule(chance=chances, cut=st.booleans())
    def a_file_is_damaged(self, chance: int, cut: bool) -> None:
        files = sorted(self.root.glob(f"*/*/????????*{BLOCK_SUFFIX}"))
        if files:
            path = files[chance % len(files)]
            os.truncate(path, chance) if cut else path.write_bytes(_flipped(path.read_bytes(), chance))
            self.damaged.add(str(path))

    @rule(chance=chances, key=keys)
    def a_block_is_pinned(self, chance: int, key: int) -> None:
        """There is room for one pinned block. It stays once nobody removes what he chose before."""
        engine = self.engine(chance)
        if self.pinned is None:
            self.finish(self.save(engine, key))
            engine.store.pin("one", [block(key)])
            self.finish(engine.tend())
            self.finish(engine.tend())
            if list(self.root.glob("*/pins/one.json")):
                self.pinned = self.path(engine, key)

    @rule()
    def it_is_pinned_no_more(self) -> None:
        for record in self.root.glob("*/pins/one.json"):
            record.unlink()
        self.pinned, self.stays = None, False

    @rule()
    def time_goes_by(self) -> None:
        """All that is unpublished now is too old to be anybody's."""
        then = time.time() - 2 * TEMPORARY_SECONDS
        for path in self.root.rglob("*.tmp"):
            os.utime(path, (then, then))

    @invariant()
    def the_tier_is_within_its_capacity(self) -> None:
        assert sum(file.size for file in census(self.root)) <= CAPACITY

    @invariant()
    def nobody_elses_file_is_touched(self) -> None:
        assert all((self.root / name).read_bytes() == name.encode() for name in FOREIGN)

    @invariant()
    def what_is_published_is_whole_and_only_what_was_written_is_read(self) -> None:
        for engine in self.engines:
            self.check(engine)
        for file in census(self.root):
            assert file.temporary == (not file.path.endswith(BLOCK_SUFFIX))
            if not file.temporary and file.path not in self.damaged:
                assert file.size == FILE_BYTES

    @invariant()
    def what_is_pinned_stays(self) -> None:
        if self.pinned is None or self.pinned in self.damaged:
            return
        if self.stays:
            assert Path(self.pinned).exists()
        self.stays = Path(self.pinned).exists() and not any(
            engine.tending and not engine.tending.ended for engine in self.engines
        )

    def check(self, engine: Engine) -> None:
        """Work ends well, or is refused; nothing else ever comes out of it."""
        for work in engine.works:
            assert work.error is None, work.name
        engine.works = [work for work in engine.works if not work.ended]
        for key, found in engine.found:
            assert found in self.written.get((engine.folder, key), set())
        engine.found.clear()

    def teardown(self) -> None:
        try:
            self.the_survivor_finds_all_in_order()
        finally:
            for engine in self.engines:
                engine.die()
            self.patch.undo()
            shutil.rmtree(self.root)

    def the_survivor_finds_all_in_order(self) -> None:
        """All die where they are; another comes."""
        for engine in self.engines:
            engine.die()
        self.engines.clear()
        self.it_is_pinned_no_more()
        left = {file.path for file in census(self.root) if not file.temporary}
        survivors = [self.start_of(*kind) for kind in reversed(KINDS)]
        written = {
            self.path(one, key): (one, key) for one in survivors for folder, key in self.written if folder == one.folder
        }
        assert left <= written.keys()
        for path, (survivor, key) in written.items():
            self.finish(survivor.load(key))
            assert (path in left - self.damaged) <= bool(survivor.found), "a block that was whole cannot be read"
            self.check(survivor)
        survivor = survivors.pop()
        for other in survivors:
            other.die()
        self.time_goes_by()
        self.the_other_revision_is_given_up()
        others = {file.path for file in census(self.root) if not file.temporary} - self.given_up()
        for life in (self.root / ".ledger/writers").glob("*"):
            os.utime(life, (0, 0))
        for _ in range(2):
            self.finish(self.count(survivor))
        survivor.store.pin("one", [block(7)])
        for key in range(7, 12):  # one more than there is room for
            self.finish(survivor.save(key))
            self.finish(self.count(survivor))
            assert not self.given_up() or all(Path(path).exists() for path in others), "others had to go first"
        assert survivor.store.contains(block(7)), "what is pinned had to go"
        assert survivor.store.contains(block(11)), "no room is made"
        assert list(self.root.rglob("*.tmp")) == []
        assert [path.name for path in (self.root / ".ledger/writers").iterdir()] == [survivor.keeper._ledger.name]

    @staticmethod
    def count(engine: Engine) -> Work:
        """Let it count whether or not a count is due."""
        engine.keeper._collector._ended = float("-inf")
        return engine.tend()

    def given_up(self) -> set[str]:
        return {file.path for file in census(self.root) if file.key_space == GIVEN_UP.folder}

    def the_other_revision_is_given_up(self) -> None:
        then = time.time() - 2 * ORPHAN_SECONDS
        for path in self.given_up():
            os.utime(path, (then, then))

    @staticmethod
    def path(engine: Engine, key: int) -> str:
        return engine.store._directory.path_of(engine.name_of(key))


def _flipped(file: bytes, chance: int) -> bytes:
    changed = bytearray(file)
    if changed:
        changed[chance % len(changed)] ^= 1 << chance % 8
    return bytes(changed)


# Whether examples come fast is a question of the machine.
SharedTier.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSharedTier = SharedTier.TestCase
