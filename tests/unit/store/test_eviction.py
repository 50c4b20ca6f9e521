"""Which files leave."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cake_engine.core.retention import saving, worth
from cake_engine.store.eviction import NOTHING_KNOWN, TEMPORARY_SECONDS, Knowledge, Limits, choose
from cake_engine.store.listing import Listing, StoredFile

NOW = 1_000_000.0


def block(
    name: str, *, size: int = 10, age: float = 0.0, temporary: bool = False, position: int = 0, key_space: str = "a"
) -> StoredFile:
    return StoredFile(name, size, NOW - age, temporary, key_space, saving(position))


def leaving(files: list[StoredFile], limits: Limits, known: Knowledge = NOTHING_KNOWN) -> list[str]:
    return [files[place].path for place in choose(Listing(files), limits, NOW, known=known)]


def test_nothing_leaves_while_there_is_room() -> None:
    assert leaving([block("a"), block("b", age=1e6)], Limits(capacity_bytes=100)) == []


def test_the_longest_unused_leave_first_down_to_the_low_mark() -> None:
    files = [block(str(age), age=age) for age in (5, 1, 9, 3, 7, 2, 8, 4, 6, 0)]

    assert leaving(files, Limits(100, start=0.95, stop=0.7)) == ["9", "8", "7"]


def test_what_is_past_its_time_leaves_though_there_is_room() -> None:
    files = [block("young", age=59), block("old", age=61)]

    assert leaving(files, Limits(10_000, ttl_seconds=60)) == ["old"]


def test_only_abandoned_temporaries_leave() -> None:
    files = [
        block("written now", age=1, temporary=True, size=1000),
        block("left behind", age=TEMPORARY_SECONDS + 1, temporary=True),
    ]

    assert leaving(files, Limits(100)) == ["left behind"]


def test_of_one_prefix_heads_leave_before_tails_though_all_are_used_together() -> None:
    files = [block(str(end), position=end * 4096) for end in (3, 1, 5, 2, 4)]

    assert leaving(files, Limits(50, start=0.95, stop=0.6)) == ["1", "2"]


def test_a_tail_that_nobody_uses_leaves_before_a_head_in_use_in_the_end() -> None:
    tail, head = block("tail", position=1 << 20, age=86400), block("head")

    assert leaving([tail, head], Limits(20, stop=0.5)) == ["tail"]


def test_of_two_as_old_the_one_that_was_used_again_stays() -> None:
    files = [block("once", age=60), block("often", age=60), block("twice", age=60)]

    assert leaving(files, Limits(30, stop=0.4), Knowledge(uses=[0, 5, 1])) == ["once", "twice"]


def test_key_spaces_that_nobody_uses_leave_before_all_others_and_the_oldest_of_them_first() -> None:
    files = [block("old", age=1e6), block("a", key_space="gone", age=50), block("b", key_space="gone", age=60)]
    known = Knowledge(orphaned={"gone"})

    assert leaving(files, Limits(30, stop=0.1), known) == ["b", "a", "old"]
    assert leaving(files, Limits(1000), known) == [], "there is room"


def test_what_is_pinned_stays_whatever_its_age_and_its_key_space() -> None:
    files = [block("pinned", age=1e6, key_space="gone"), block("a"), block("b", age=1)]
    known = Knowledge(orphaned={"gone"}, pinned={"pinned"})

    assert leaving(files, Limits(30, ttl_seconds=60, stop=0.0), known) == ["b", "a"]


files_of_all_kinds = st.lists(
    st.tuples(
        st.integers(1, 50),
        st.floats(0, 1e5),
        st.integers(0, 1 << 18),
        st.integers(0, 9),
        st.sampled_from(["a", "b"]),
        st.booleans(),
    ),
    max_size=40,
)


@given(files_of_all_kinds, st.integers(1, 1000), st.sets(st.sampled_from(["a", "b"])))
def test_what_stays_fits_or_is_pinned_and_is_worth_more_than_what_leaves(
    entries: list[tuple[int, float, int, int, str, bool]], capacity: int, orphaned: set[str]
) -> None:
    files = [
        block(str(n), size=size, age=age, position=position, key_space=space)
        for n, (size, age, position, _, space, _) in enumerate(entries)
    ]
    pinned = {file.path for file, (*_, pin) in zip(files, entries, strict=True) if pin}
    uses = [seen for _, _, _, seen, _, _ in entries]
    known = Knowledge(uses, orphaned, pinned)

    gone = leaving(files, Limits(capacity), known)

    staying = [n for n, file in enumerate(files) if file.path not in gone]
    unpinned = [n for n in staying if files[n].path not in pinned]
    assert not unpinned or sum(files[n].size for n in staying) <= 0.95 * capacity
    assert pinned.isdisjoint(gone)

    def rank(n: int) -> tuple[bool, float]:
        orphan, idle = files[n].key_space in orphaned, NOW - files[n].used
        return not orphan, -idle if orphan else worth(files[n].saving, uses[n], idle)

    if gone and unpinned:
        assert max(rank(int(path)) for path in gone) <= min(map(rank, unpinned))
