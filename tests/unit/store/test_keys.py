"""What may share a key, and where a key lies."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.keys import Fingerprint, place


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("model", "org/other"),
        ("revision", "r2"),
        ("revision", None),
        ("weights", "0123"),
        ("dtype", "float16"),
        ("layout", "HND-0"),
        ("block_tokens", 64),
        ("block_bytes", 8192),
        ("tensor_parallel_size", 2),
        ("pipeline_parallel_size", 2),
        ("context_parallel_size", 2),
        ("rank", 0),
        ("format_version", 1),
        ("tenant", "ab" * 16),
    ],
)
def test_engines_that_differ_in_any_part_share_nothing(fingerprint: Fingerprint, part: str, other: Any) -> None:
    changed = dataclasses.replace(fingerprint, **{part: other})

    assert changed.digest != fingerprint.digest
    assert changed.folder != fingerprint.folder


def test_equal_engines_share_a_folder(fingerprint: Fingerprint) -> None:
    assert dataclasses.replace(fingerprint).folder == fingerprint.folder


@given(st.text(min_size=1))
def test_any_model_name_makes_one_plain_folder(name: str) -> None:
    folder = Fingerprint(model=name, revision=None, dtype="d", layout="l", block_tokens=1, block_bytes=1).folder

    assert "/" not in folder
    assert not folder.startswith(".")
    assert folder.isascii()
    assert len(folder) <= 100


@given(st.sets(st.binary(min_size=2, max_size=40), min_size=2, max_size=20))
def test_no_two_keys_lie_in_one_place(keys: set[bytes]) -> None:
    assert len({place(key) for key in keys}) == len(keys)


def test_a_key_that_cannot_be_spread_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 bytes"):
        place(b"x")
