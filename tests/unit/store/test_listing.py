"""Files in columns are the files that were put there, and take a fraction of their memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.listing import Listing, StoredFile

FILES = 10_000

paths = st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), min_size=1, max_size=3).map("/".join)
stored = st.builds(
    StoredFile,
    paths,
    st.integers(0, 1 << 50),
    st.floats(allow_nan=False),
    st.booleans(),
    st.sampled_from(["", "a", "b"]),
    st.floats(allow_nan=False),
)


@given(st.lists(stored), st.sets(st.integers(0, 9)), st.sets(st.sampled_from(["", "a", "b"])))
def test_what_went_in_comes_out(files: list[StoredFile], some: set[int], spaces: set[str]) -> None:
    listing = Listing(files)
    paths = {file.path for place, file in enumerate(files) if place in some}

    assert list(listing) == files
    assert len(listing) == len(files)
    assert [listing.path(place) for place in range(len(files))] == [file.path for file in files]
    assert listing.sizes.tolist() == [file.size for file in files]
    assert listing.used.tolist() == [file.used for file in files]
    assert listing.among(paths).tolist() == [file.path in paths for file in files]
    assert listing.within(spaces).tolist() == [file.key_space in spaces for file in files]


def test_names_that_are_no_unicode_stay_as_they_are() -> None:
    file = StoredFile("/tier/ab\udcff", 1, 1.0, temporary=True)
    assert Listing([file])[0] == file


def test_a_file_takes_its_name_and_some_fifty_bytes() -> None:
    tracemalloc.start()
    try:
        listing = Listing(_blocks())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most / len(listing) < 150


def _blocks() -> Iterator[StoredFile]:
    """As a census of a large tier gives them."""
    for number in range(FILES):
        name = f"/tiers/shared/org-model-{0:024x}/{number // 100:03x}/{number:072x}.kv"
        yield StoredFile(name, 1 << 20, 1e9 + number, temporary=False, key_space="org-model", saving=1.0)
