"""Key spaces that nobody uses any more."""

from __future__ import annotations

import pytest

from cake_engine.store.accounts import Accounts
from cake_engine.store.listing import Listing, StoredFile
from cake_engine.store.orphans import ORPHAN_SECONDS, orphaned

NOW = 1e6
LATER = ORPHAN_SECONDS + 1


def file(key_space: str, *, age: float) -> StoredFile:
    return StoredFile(f"{key_space}/{age}", 1, NOW - age, temporary=False, key_space=key_space)


@pytest.mark.parametrize(
    ("alive", "expected"),
    [({"now"}, {"before"}), ({"now", "before"}, set()), (set(), {"now", "before"}), (None, set())],
    ids=["one is in use", "both are", "nobody lives", "somebody does not say"],
)
def test_it_is_orphaned_when_no_engine_names_it(alive: set[str] | None, expected: set[str]) -> None:
    files = Listing([file("now", age=LATER), file("before", age=LATER)])
    assert orphaned(files, alive, NOW) == expected


def test_it_is_not_while_any_of_its_blocks_was_used_lately() -> None:
    files = Listing([file("before", age=1e5), file("before", age=ORPHAN_SECONDS - 1)])
    assert orphaned(files, set(), NOW) == set()


def test_one_of_temporaries_alone_is_not() -> None:
    assert orphaned(Listing([file("new", age=LATER)._replace(temporary=True)]), set(), NOW) == set()


def test_what_engines_use_is_in_the_books_and_one_that_does_not_say_makes_it_unknown() -> None:
    accounts = Accounts()
    accounts.report("a", held=0, written=0, limit=1, key_space="mine")
    accounts.report("b", held=0, written=0, limit=1, key_space="")
    assert Accounts.parse(accounts.model_dump_json().encode()).key_spaces == {"mine"}

    accounts.report("old", held=0, written=0, limit=1)
    assert accounts.key_spaces is None
    assert Accounts().key_spaces is None, "nobody is in the books"
