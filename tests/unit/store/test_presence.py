"""What is known of a tier without waiting for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from cake_engine.store import presence
from cake_engine.store.presence import PresenceCache


class Tier:
    """A set of keys behind a file system that can hang or fail, and a clock."""

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self.looks: list[bytes] = []
        self.faults: list[str] = []
        self.now = 1000.0
        self.flowing = threading.Event()
        self.flowing.set()
        self.held: set[bytes] = set()
        self.released = threading.Event()
        self.broken: Exception | None = None
        self.answered = threading.Event()
        self.cache = PresenceCache(
            self.look,
            on_answer=self.answered.set,
            on_fault=self.faults.append,
            threads=2,
            hit_seconds=30,
            miss_seconds=1.5,
            patience_seconds=0.5,
            limit_seconds=2.0,
            clock=lambda: self.now,
        )

    def look(self, key: bytes) -> bool:
        self.looks.append(key)
        if key in self.held:
            assert self.released.wait(60)
        assert self.flowing.wait(60)
        if self.broken:
            raise self.broken
        return key in self.keys

    def answer(self, key: bytes) -> bool | None:
        """Ask, wait for the threads, ask again."""
        self.answered.clear()
        if (known := self.cache.ask(key)) is not None:
            return known
        assert self.answered.wait(60)
        return self.cache.ask(key)


@pytest.fixture
def tier() -> Iterator[Tier]:
    tier = Tier()
    yield tier
    tier.released.set()
    tier.flowing.set()
    tier.cache.stop()


def test_the_first_to_ask_is_told_to_come_again_and_then_knows(tier: Tier) -> None:
    tier.keys.add(b"a")
    tier.answered.clear()

    assert tier.cache.ask(b"a") is None
    assert tier.answered.wait(60)
    assert tier.cache.ask(b"a") is True
    assert tier.answer(b"b") is False


def test_asking_never_waits_and_looks_once(tier: Tier) -> None:
    tier.flowing.clear()  # no look comes back before the fixture lets it
    answers = {tier.cache.ask(b"a") for _ in range(1000)}

    assert answers == {None}
    assert len(tier.looks) <= 1


def test_a_block_that_another_engine_wrote_is_seen_within_two_seconds(tier: Tier) -> None:
    assert tier.answer(b"a") is False
    tier.keys.add(b"a")
    tier.now += 1.9

    assert tier.answer(b"a") is True


def test_an_answer_is_believed_for_its_age_and_no_longer(tier: Tier) -> None:
    tier.keys.add(b"a")
    assert tier.answer(b"a") is True
    tier.keys.clear()
    tier.now += 29
    assert tier.cache.ask(b"a") is True
    tier.now += 2

    assert tier.answer(b"a") is False
    assert len(tier.looks) == 2


def test_what_is_known_from_elsewhere_needs_no_look(tier: Tier) -> None:
    tier.cache.note(b"a", True)
    tier.cache.note(b"b", False)

    assert (tier.cache.ask(b"a"), tier.cache.ask(b"b")) == (True, False)
    assert tier.looks == []


def test_a_doubt_can_be_held_longer_than_a_miss(tier: Tier) -> None:
    tier.keys.add(b"a")
    tier.cache.note(b"a", False, seconds=10)
    tier.now += 9
    assert tier.cache.ask(b"a") is False
    tier.now += 2

    assert tier.answer(b"a") is True


def test_a_file_system_that_hangs_costs_one_patience_and_then_nothing(tier: Tier) -> None:
    tier.flowing.clear()
    assert tier.cache.ask(b"a") is None
    tier.now += 0.6

    assert tier.cache.ask(b"a") is False
    assert tier.cache.ask(b"b") is False
    assert tier.faults == ["lookup_deadline"]


def test_a_file_system_that_hung_is_asked_again_by_itself(tier: Tier) -> None:
    tier.keys.add(b"a")
    tier.flowing.clear()
    assert tier.cache.ask(b"a") is None
    tier.now += 0.6
    assert tier.cache.ask(b"a") is False

    tier.answered.clear()
    tier.flowing.set()
    assert tier.answered.wait(60)
    tier.now += 1.6

    assert tier.answer(b"a") is True


def test_a_slow_answer_is_waited_for_while_others_come(tier: Tier) -> None:
    tier.held.add(b"slow")
    assert tier.cache.ask(b"slow") is None
    tier.now += 0.4
    assert tier.answer(b"quick") is False
    tier.now += 0.4
    assert tier.cache.ask(b"slow") is None
    tier.now += 0.2

    assert tier.cache.ask(b"slow") is False


def test_a_look_past_its_limit_is_a_miss_alone_while_the_file_system_answers_others(tier: Tier) -> None:
    tier.held.add(b"slow")
    assert tier.cache.ask(b"slow") is None
    for number in range(6):
        tier.now += 0.4
        assert tier.answer(b"quick %d" % number) is False

    assert tier.cache.ask(b"slow") is False
    assert tier.answer(b"unknown") is False
    assert b"unknown" in tier.looks
    assert tier.faults == ["lookup_deadline"]


@pytest.mark.parametrize("error", [OSError(116, "Stale file handle"), ValueError("not a key")])
def test_a_look_that_fails_is_a_miss_and_counted_and_the_thread_goes_on(tier: Tier, error: Exception) -> None:
    tier.broken = error
    for number in range(4):  # more than there are threads
        assert tier.answer(b"%d" % number) is False
    assert tier.faults == ["lookup_error"] * 4

    tier.broken = None
    tier.keys.add(b"a")
    assert tier.answer(b"a") is True


def test_no_more_looks_wait_than_a_bound_while_a_file_system_hangs(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_MOST_LOOKS", 10)
    tier.flowing.clear()
    answers = [tier.cache.ask(b"%d" % number) for number in range(20)]

    assert answers[:10] == [None] * 10
    assert answers[12:] == [False] * 8  # two may be with the threads
    assert set(tier.faults) == {"lookup_queue_full"}


def test_ending_does_not_work_off_what_was_asked(tier: Tier) -> None:
    tier.flowing.clear()
    for number in range(100):
        tier.cache.ask(b"%d" % number)
    stopping = threading.Thread(target=tier.cache.stop)
    stopping.start()
    while not tier.cache._stopping:
        time.sleep(0.001)
    tier.flowing.set()
    stopping.join(60)

    assert len(tier.looks) <= 2
