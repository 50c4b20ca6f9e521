"""The books in the tier's folder, and the locks that say who lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cake_engine.store import ledger as ledgers
from cake_engine.store.accounts import Accounts
from cake_engine.store.ledger import FOLDER, Ledger
from cake_engine.store.locks import FileLock, locked

Make = Callable[[], Ledger]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Ledger] = []

    def ledger() -> Ledger:
        made.append(Ledger(tmp_path, 1000))
        return made[-1]

    yield ledger
    for one in made:
        one.close()


def count(ledger: Ledger, found: int) -> Accounts:
    assert ledger.elected()
    accounts, _ = ledger.begin_count()
    ledger.end_count(found)
    return accounts


def test_engines_see_what_each_other_holds(make: Make) -> None:
    one, other = make(), make()
    one.report(held=0, written=0)
    count(one, 100)

    assert one.report(held=0, written=0, ask=500) == 500
    assert other.report(held=0, written=0, ask=401) == 0
    assert other.report(held=0, written=0, ask=400) == 400


def test_one_engine_is_elected_until_it_ends(make: Make) -> None:
    one, other = make(), make()

    assert one.elected()
    assert one.elected()
    assert not other.elected()
    one.close()
    assert other.elected()


def test_books_that_nobody_living_kept_are_not_believed(make: Make, tmp_path: Path) -> None:
    dead = make()
    dead.report(held=0, written=0)
    count(dead, 0)
    dead.close()
    survivor = make()

    assert survivor.report(held=0, written=0, ask=100) == 0
    assert survivor.read().used is None
    assert list(survivor.read().writers) == [survivor.name]


def test_books_that_someone_living_keeps_are_believed(make: Make) -> None:
    one = make()
    one.report(held=0, written=0)
    count(one, 0)

    assert make().report(held=0, written=0, ask=100) == 100


def test_what_the_dead_held_stays_taken_until_a_count(make: Make, tmp_path: Path) -> None:
    one, other = make(), make()
    one.report(held=0, written=0)
    count(one, 0)
    assert other.report(held=0, written=0, ask=800) == 800
    other.close()

    assert count(one, 50).used == 800
    assert [path.name for path in (tmp_path / FOLDER / "writers").iterdir()] == [one.name]
    assert one.report(held=0, written=0, ask=900) == 900


def test_an_engine_that_was_taken_for_dead_tells_again_what_it_holds(make: Make, tmp_path: Path) -> None:
    one, other = make(), make()
    one.report(held=0, written=0)
    count(one, 0)
    other.report(held=0, written=0, ask=700)
    (tmp_path / FOLDER / "writers" / other.name).unlink()
    count(one, 0)
    other.report(held=700, written=0)

    assert one.report(held=0, written=0, ask=301) == 0


def test_a_folder_that_was_emptied_begins_anew(make: Make, tmp_path: Path) -> None:
    one = make()
    one.report(held=0, written=0)
    count(one, 900)
    for path in [p for p in (tmp_path / FOLDER).rglob("*") if p.is_file()]:
        path.unlink()

    assert one.report(held=0, written=0, ask=100) == 0
    count(one, 0)
    assert one.report(held=0, written=0, ask=1000) == 1000


def test_books_kept_locked_by_another_are_given_up_after_a_bound(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "_PATIENCE_SECONDS", 0.05)
    one = make()
    with locked(tmp_path / FOLDER / "lock", 1.0), pytest.raises(TimeoutError, match="locked by others"):
        one.report(held=0, written=0)

    one.report(held=0, written=0)


def test_changes_by_many_at_once_are_all_kept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_PATIENCE_SECONDS", 60.0)  # a busy machine keeps a thread from its turn for long
    one = make()
    one.report(held=0, written=0)
    count(one, 0)
    ledgers_ = [make() for _ in range(4)]

    def write(ledger: Ledger) -> None:
        for _ in range(20):
            ledger.report(held=0, written=1)

    threads = [threading.Thread(target=write, args=(ledger,)) for ledger in ledgers_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert one.read().used == 80


def test_a_lock_that_is_not_held_has_no_time(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not locked"):
        FileLock(tmp_path / "x").touch()
