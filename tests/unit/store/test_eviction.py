"""Which files leave."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.eviction import TEMPORARY_SECONDS, Limits, StoredFile, choose

NOW = 1_000_000.0


def block(name: str, *, size: int = 10, age: float = 0.0, temporary: bool = False) -> StoredFile:
    return StoredFile(name, size, NOW - age, temporary)


def names(files: list[StoredFile]) -> list[str]:
    return [file.path for file in files]


def test_nothing_leaves_while_there_is_room() -> None:
    assert choose([block("a"), block("b", age=1e6)], Limits(capacity_bytes=100), NOW) == []


def test_the_longest_unused_leave_first_down_to_the_low_mark() -> None:
    files = [block(str(age), age=age) for age in (5, 1, 9, 3, 7, 2, 8, 4, 6, 0)]

    assert names(choose(files, Limits(100, start=0.95, stop=0.7), NOW)) == ["9", "8", "7"]


def test_what_is_past_its_time_leaves_though_there_is_room() -> None:
    files = [block("young", age=59), block("old", age=61)]

    assert names(choose(files, Limits(10_000, ttl_seconds=60), NOW)) == ["old"]


def test_only_abandoned_temporaries_leave() -> None:
    files = [
        block("written now", age=1, temporary=True, size=1000),
        block("left behind", age=TEMPORARY_SECONDS + 1, temporary=True),
    ]

    assert names(choose(files, Limits(100), NOW)) == ["left behind"]


sizes_and_ages = st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1e5)), max_size=40)


@given(sizes_and_ages, st.integers(1, 1000))
def test_what_stays_fits_and_is_younger_than_what_leaves(entries: list[tuple[int, float]], capacity: int) -> None:
    files = [block(str(n), size=size, age=age) for n, (size, age) in enumerate(entries)]
    leaving = choose(files, Limits(capacity), NOW)
    staying = [file for file in files if file not in leaving]

    assert sum(file.size for file in staying) <= 0.95 * capacity
    if leaving:
        assert max(file.used for file in leaving) <= min((file.used for file in staying), default=NOW)
