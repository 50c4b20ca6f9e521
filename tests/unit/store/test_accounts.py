"""The books of a tier: no order of writing, dying, counting and removing takes it past its limit."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from cake_engine.store.accounts import Accounts

LIMIT = 100
SIZES = st.integers(20, 60)


def test_nothing_is_granted_before_a_count() -> None:
    accounts = Accounts()
    accounts.report("a", held=0, written=0, limit=LIMIT)
    assert accounts.grant("a", 10) == 0

    accounts.begin_count("a")
    accounts.end_count("a", 0)

    assert accounts.grant("a", 10) >= 10


def test_a_grant_is_a_good_part_while_there_is_room_and_no_more_than_fits_at_the_end() -> None:
    accounts = Accounts(used=0)
    accounts.report("a", held=0, written=0, limit=100_000)
    assert accounts.grant("a", 10) == 1000

    accounts.used = 100_000 - 1000 - 15
    assert accounts.grant("a", 10) == 10
    assert accounts.grant("a", 10) == 0
    assert accounts.wanted == 10


def test_the_least_of_the_capacities_holds_for_all() -> None:
    accounts = Accounts(used=0)
    accounts.report("a", held=0, written=0, limit=500)
    accounts.report("b", held=0, written=0, limit=LIMIT)

    assert accounts.grant("a", LIMIT + 1) == 0


def test_what_is_reported_while_a_count_runs_may_have_been_missed_and_what_was_before_was_not() -> None:
    accounts = Accounts(used=0)
    accounts.report("a", held=0, written=30, limit=LIMIT)
    accounts.begin_count("a")
    accounts.report("a", held=0, written=20, limit=LIMIT)
    accounts.end_count("a", 30)

    assert accounts.used == 50


def test_what_a_writer_held_when_it_died_counts_as_written_until_the_next_count() -> None:
    accounts = Accounts(used=10)
    accounts.report("a", held=40, written=0, limit=LIMIT)
    accounts.report("b", held=0, written=0, limit=LIMIT)
    accounts.bury("a")

    assert accounts.grant("b", 60) == 0
    assert accounts.grant("b", 50) == 50


def test_a_count_that_another_has_overtaken_says_nothing() -> None:
    accounts = Accounts(used=900)
    accounts.begin_count("slow")
    accounts.begin_count("next")
    accounts.end_count("slow", 0)

    assert accounts.used == 900


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\0\0", b'{"used": "many"}', b'{"writers": {"a": {"held": -5, "limit": 1}}}']
)
def test_books_that_cannot_be_read_are_begun_anew_by_a_count(text: bytes) -> None:
    assert Accounts.parse(text) == Accounts()


class Tier(RuleBasedStateMachine):
    """Writers that draw, write, report, fail and die, and collectors that count while they do and may die too."""

    writers = Bundle("writers")

    def __init__(self) -> None:
        super().__init__()
        self.accounts = Accounts(used=0)
        self.files: dict[int, int] = {}
        self.free: dict[str, int] = {}
        self.flying: dict[str, list[int]] = {}
        self.written: dict[str, int] = {}
        self.before: dict[int, int] | None = None
        self.names = self.numbers = 0

    def put(self, size: int) -> None:
        self.numbers += 1
        self.files[self.numbers] = size

    @rule(target=writers)
    def start(self) -> str:
        self.names += 1
        name = f"w{self.names}"
        self.free[name], self.flying[name], self.written[name] = 0, [], 0
        self.report(name)
        return name

    @rule(name=writers)
    def report(self, name: str) -> None:
        if name not in self.free:
            return
        held = self.free[name] + sum(self.flying[name])
        self.accounts.report(name, held=held, written=self.written[name], limit=LIMIT)
        self.written[name] = 0

    @rule(name=writers, size=SIZES)
    def begin_write(self, name: str, size: int) -> None:
        """Draw room if need be."""
        if name not in self.free:
            return
        if size > self.free[name]:
            self.report(name)
            self.free[name] += self.accounts.grant(name, size)
        if size <= self.free[name]:
            self.free[name] -= size
            self.flying[name].append(size)

    @rule(name=writers, succeeds=st.booleans())
    def end_write(self, name: str, succeeds: bool) -> None:
        if not self.flying.get(name):
            return
        size = self.flying[name].pop()
        if succeeds:
            self.put(size)
            self.written[name] += size
        else:
            self.free[name] += size

    @rule(name=writers, size=SIZES)
    def write(self, name: str, size: int) -> None:
        """The whole of it."""
        self.begin_write(name, size)
        self.end_write(name, True)
        self.report(name)

    @rule(name=consumes(writers), leaves=st.booleans())
    def die(self, name: str, leaves: bool) -> None:
        """What was in flight may have become a file."""
        if name not in self.free:
            return
        if leaves:
            for size in self.flying[name]:
                self.put(size)
        del self.free[name], self.flying[name], self.written[name]

    @rule()
    def begin_count(self) -> None:
        for name in [name for name in self.accounts.writers if name not in self.free]:
            self.accounts.bury(name)
        self.accounts.begin_count("collector")
        self.before = dict(self.files)

    @rule(seed=st.integers(0, 1000), remove=st.floats(0, 1))
    def end_count(self, seed: int, remove: float) -> None:
        """A count sees every file that was there all along, and perhaps those that came meanwhile."""
        if self.before is None:
            return
        chance = random.Random(seed)
        seen = {n: size for n, size in self.files.items() if n in self.before or chance.random() < 0.5}
        gone = [n for n in seen if chance.random() < remove]
        for n in gone:
            del self.files[n]
        self.accounts.end_count("collector", sum(seen.values()) - sum(seen[n] for n in gone))
        self.before = None

    @invariant()
    def it_holds_no_more_than_its_limit(self) -> None:
        held = sum(self.files.values()) + sum(sum(sizes) for sizes in self.flying.values())
        assert held <= LIMIT


Tier.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestTier = Tier.TestCase
