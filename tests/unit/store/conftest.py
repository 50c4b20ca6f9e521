"""Blocks to store."""

from __future__ import annotations

import hashlib

import pytest

from cake_engine.store.keys import Fingerprint, key_at


@pytest.fixture(scope="session")
def fingerprint() -> Fingerprint:
    """A key space of small blocks."""
    return Fingerprint(
        model="org/model", revision="r1", dtype="bfloat16", layout="NHD-0", block_tokens=32, block_bytes=4096
    )


def key_of(number: int, position: int = 0) -> bytes:
    """A key as vLLM makes them, a hash and a group index, with the position of the block."""
    return key_at(hashlib.sha256(str(number).encode()).digest() + bytes(4), position)
