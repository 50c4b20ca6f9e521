"""Many engines over one folder, stopped, failed and killed at any call of the file system, in any order.

Some are a tenant's, some are nobody's, and some have a revision that is given up. What holds at every instant: a read
is what an engine of the same kind wrote or a refusal; the tier is within its capacity; a temporary is never taken for a
block; nobody else's file is touched; what is pinned stays, the pin that was made first before all others; what has been
given up makes room before anything else goes; and all that is whole can be exported, and imported without pushing out
anything. And in the end, whoever died where: new engines can write, all that is there can be read, and nothing of the
dead is left.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cake_engine.store.archive import Block
from cake_engine.store.census import census
from cake_engine.store.eviction import TEMPORARY_SECONDS
from cake_engine.store.keys import BLOCK_SUFFIX
from tests.unit.store.engines import (
    CALLS_OF_A_PIECE,
    CAPACITY,
    FILE_BYTES,
    GIVEN_UP,
    block,
)
from tests.unit.store.shared_folder import FOREIGN, KINDS, SharedFolder

ENGINES = 3
MOST_PINS = 3

keys = st.integers(0, 6)
chances = st.integers(0, 1000)


class SharedTier(SharedFolder, RuleBasedStateMachine):
    """What engines do over one folder.

    Every rule may be drawn at any time, and does nothing where it has nothing to do: what is drawn next must not hang
    on what the file system's times made of the steps before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pins: list[tuple[Path, str]] = []
        """Records and the blocks that they pin, in the order in which they were made."""
        self.stays = False
        self.exported: list[Block] = []

    @initialize()
    def two_engines_serve(self) -> None:
        for engine in (self.start(), self.start()):
            self.finish(engine.tend())

    @rule()
    def an_engine_starts(self) -> None:
        if len(self.engines) < ENGINES:
            self.start()

    @rule(chance=chances, replaced=st.booleans())
    def an_engine_dies(self, chance: int, replaced: bool) -> None:
        self.end(self.engine(chance))
        if replaced:
            self.finish(self.start().tend())

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
        """There is room for one pinned block: that of the first pin."""
        engine, name = self.engine(chance), f"pin-{self.numbers}-{len(self.pins)}"
        record = Path(engine.store._directory.key_space, "pins", f"{name}.json")
        if len(self.pins) == MOST_PINS or record.exists():
            return
        self.finish(self.save(engine, key))
        engine.store.pin(name, [block(key)])
        self.finish(engine.tend())
        self.finish(engine.tend())
        if record.exists():
            order = self.pins[-1][0].stat().st_mtime + 1 if self.pins else 1
            os.utime(record, (order, order))  # two are made within one tick of the file system's clock
            self.pins.append((record, self.path(engine, key)))

    @rule(chance=chances)
    def a_pin_is_taken_back(self, chance: int) -> None:
        if self.pins:
            self.take_back(self.pins[chance % len(self.pins)])

    def take_back(self, pin: tuple[Path, str]) -> None:
        pin[0].unlink()
        self.stays &= pin is not self.pins[0]
        self.pins.remove(pin)

    @rule(chance=chances, some=st.lists(keys, min_size=1, max_size=CAPACITY // FILE_BYTES, unique=True))
    def a_revision_is_given_up_and_others_need_its_room(self, chance: int, some: list[int]) -> None:
        """Nothing else goes before it is gone; pins of its blocks hold no more."""
        if self.removing:
            return
        for engine in [engine for engine in self.engines if engine.folder == GIVEN_UP.folder]:
            self.end(engine)
        for pin in [pin for pin in self.pins if pin[0].parts[-3] == GIVEN_UP.folder]:
            self.take_back(pin)
        self.the_other_revision_is_given_up()
        writer = self.engines[chance % len(self.engines)] if self.engines else self.start_of(*KINDS[0])
        others = {file.path for file in census(self.root) if not file.temporary} - self.given_up()
        for key in some:
            self.finish(self.save(writer, key))
            for engine in self.engines:
                self.finish(self.count(engine))
            assert not self.given_up() or all(Path(path).exists() for path in others), "others had to go first"

    @rule()
    def blocks_are_exported(self) -> None:
        """All that are whole, while engines go on."""
        found = self.archived()
        assert {str(self.root / entry.name) for entry in found if entry.block is None} <= self.damaged
        self.exported = [entry.block for entry in found if entry.block is not None]

    @rule(chance=chances, calls=st.integers(0, 20), whole=st.booleans(), fails=st.booleans())
    def a_block_is_imported(self, chance: int, calls: int, whole: bool, fails: bool) -> None:
        """It pushes out nothing."""
        if not self.exported:
            return
        before = {file.path for file in census(self.root) if not file.temporary}
        work = self.engine(chance).take(self.exported[chance % len(self.exported)])
        work.step(CALLS_OF_A_PIECE if whole else calls)
        if fails:
            work.fail(errno.EIO)
            work.fail(errno.EIO)
        assert before <= {file.path for file in census(self.root)}

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
    def what_the_first_pin_names_stays(self) -> None:
        """From when nobody removes what he chose before."""
        if not self.pins or self.pins[0][1] in self.damaged:
            return
        pinned = Path(self.pins[0][1])
        if self.stays:
            assert pinned.exists()
        self.stays = pinned.exists() and not self.removing

    def teardown(self) -> None:
        try:
            self.the_survivor_finds_all_in_order()
        finally:
            self.close()

    def the_survivor_finds_all_in_order(self) -> None:
        """All die where they are; another comes."""
        for engine in self.engines:
            engine.die()
        self.engines.clear()
        for record in self.root.glob("*/pins/*.json"):
            record.unlink()
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


def _flipped(file: bytes, chance: int) -> bytes:
    changed = bytearray(file)
    if changed:
        changed[chance % len(changed)] ^= 1 << chance % 8
    return bytes(changed)


# Whether examples come fast is a question of the machine.
SharedTier.TestCase.settings = settings(
    max_examples=45, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSharedTier = SharedTier.TestCase
