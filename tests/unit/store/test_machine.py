"""Many engines over one folder, stopped, failed and killed at any call of the file system, in any order.

Some are a tenant's and some are nobody's. What holds at every instant: a read is what an engine of the same tenant
wrote or a refusal; the tier is within its capacity; a temporary is never taken for a block; nobody else's file is
touched. And in the end, whoever died where: new engines can write, all that is there can be read, and nothing of the
dead is left.
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
from cake_engine.store.keys import BLOCK_SUFFIX
from cake_engine.store.tenant import Tenant
from tests.unit.store.conftest import key_of
from tests.unit.store.engines import (
    CALLS_OF_A_PIECE,
    CAPACITY,
    FILE_BYTES,
    SPACE,
    Engine,
    content,
    make_engines_steppable,
)
from tests.unit.store.stepping import Work

ENGINES = 3
TENANTS = (None, Tenant(bytes(range(32))))
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
        self.written: dict[tuple[Tenant | None, int], set[bytes]] = {}
        self.damaged: set[str] = set()
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
        return self.start_of(TENANTS[self.numbers % len(TENANTS)])

    def start_of(self, tenant: Tenant | None) -> Engine:
        self.engines.append(Engine(self.root, self.numbers, tenant))
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
        self.written.setdefault((engine.tenant, key), set()).add(content(key, engine.number))
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

    def check(self, engine: Engine) -> None:
        """Work ends well, or is refused; nothing else ever comes out of it."""
        for work in engine.works:
            assert work.error is None, work.name
        engine.works = [work for work in engine.works if not work.ended]
        for key, found in engine.found:
            assert found in self.written.get((engine.tenant, key), set())
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
        left = {file.path for file in census(self.root) if not file.temporary}
        survivors = [self.start_of(tenant) for tenant in TENANTS]
        written = {
            self.path(one, key): (one, key) for one in survivors for tenant, key in self.written if tenant is one.tenant
        }
        assert left <= written.keys()
        for path, (survivor, key) in written.items():
            self.finish(survivor.load(key))
            assert (path in left - self.damaged) <= bool(survivor.found), "a block that was whole cannot be read"
            self.check(survivor)
        survivor = survivors.pop()
        survivors.pop().die()
        self.time_goes_by()
        for life in (self.root / ".ledger/writers").glob("*"):
            os.utime(life, (0, 0))
        for _ in range(2):
            survivor.keeper._collector._ended = float("-inf")
            self.finish(survivor.tend())
        self.finish(survivor.save(9))
        assert survivor.store.contains(key_of(9)), "no room is made"
        assert list(self.root.rglob("*.tmp")) == []
        assert [path.name for path in (self.root / ".ledger/writers").iterdir()] == [survivor.keeper._ledger.name]

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
