"""Which chunks make files that are too small for a device."""

from __future__ import annotations

import pytest

from cake_engine.store.chunk_size import advised

SMALL, LARGE, TINY = 2 * 30 * 3 * 64 * 2, 2 * 32 * 8 * 128 * 2, 2 * 4 * 2 * 32 * 4
"""Bytes of a token of SmolLM2-135M and of Llama-3.1-8B in bfloat16, and of a model of the tests."""
CHUNKS = {
    "a small model's block": (16, SMALL, 64),
    "a longer one of it": (48, SMALL, None),
    "one of a processor": (128, SMALL, None),
    "a large model's block": (16, LARGE, None),
    "a model too small for any": (32, TINY, None),
}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_longer_chunk_is_advised_where_files_would_be_below_a_mebibyte(chunk: str) -> None:
    tokens, token_bytes, expected = CHUNKS[chunk]
    assert advised(tokens, tokens * token_bytes) == expected
