"""How often blocks were seen to be used."""

from __future__ import annotations

from cake_engine.core.retention import MOST_USES
from cake_engine.store.listing import Listing, StoredFile
from cake_engine.store.uses import Uses


def files(**used: float) -> Listing:
    return Listing(StoredFile(name, 1, at, temporary=False) for name, at in used.items())


def test_a_time_that_has_moved_since_the_last_count_is_a_use() -> None:
    uses = Uses()
    assert uses.count(files(a=1, b=1, c=1)) == [0, 0, 0]
    assert uses.count(files(c=1, a=2, new=5)) == [0, 1, 0]
    assert uses.count(files(a=3, new=5, b=9)) == [2, 0, 0], "b had gone, and is another one"


def test_uses_count_up_to_a_bound_and_a_time_that_goes_back_is_none() -> None:
    uses = Uses()
    for now in range(MOST_USES + 5):
        counted = uses.count(files(a=now))
    assert counted == [MOST_USES]
    assert uses.count(files(a=0)) == [MOST_USES]


def test_an_empty_tier_is_counted_too() -> None:
    uses = Uses()
    assert uses.count(files()) == []
    uses.count(files(a=1))
    assert uses.count(files()) == []
    assert len(uses) == 0
