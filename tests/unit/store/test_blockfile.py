"""The file format: what was sealed comes back, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.store.blockfile import HEADER_BYTES, BlockRejectedError, Reject, seal, unseal

CODEC, DIGEST, KEY = 1, bytes(range(32)), b"a key of some length"


def sealed(payload: bytes) -> bytearray:
    file = bytearray(HEADER_BYTES) + payload
    seal(memoryview(file), codec=CODEC, fingerprint=DIGEST, key=KEY, position=96)
    return file


def opened(file: bytes, *, codec: int = CODEC, fingerprint: bytes = DIGEST, key: bytes = KEY) -> bytes:
    return bytes(unseal(memoryview(file), codec=codec, fingerprint=fingerprint, key=key))


@given(st.binary(max_size=2000))
def test_a_sealed_payload_comes_back(payload: bytes) -> None:
    assert opened(sealed(payload)) == payload


def test_the_payload_starts_on_a_page() -> None:
    assert sealed(b"payload")[4096:] == b"payload"


def test_every_single_bit_flip_is_detected() -> None:
    file = sealed(bytes(range(64)))
    undetected = []
    for bit in range(len(file) * 8):
        file[bit // 8] ^= 1 << bit % 8
        try:
            opened(file)
            undetected.append(bit)
        except BlockRejectedError:
            pass
        file[bit // 8] ^= 1 << bit % 8

    assert undetected == []
    assert opened(file) == bytes(range(64))


@given(st.integers(0, HEADER_BYTES + 500))
def test_every_truncation_is_detected(length: int) -> None:
    file = sealed(bytes(501))

    with pytest.raises(BlockRejectedError) as rejected:
        opened(file[:length])

    assert rejected.value.reason is Reject.TRUNCATED


def test_bytes_after_the_end_are_detected() -> None:
    with pytest.raises(BlockRejectedError, match="truncated"):
        opened(sealed(b"payload") + b"\0")


def test_a_file_of_zeros_is_not_a_block() -> None:
    with pytest.raises(BlockRejectedError, match="fingerprint"):
        opened(bytes(HEADER_BYTES + 100))


@pytest.mark.parametrize("asked", [{"codec": 2}, {"fingerprint": bytes(32)}, {"key": b"another key"}])
def test_a_good_file_of_something_else_is_refused(asked: dict[str, int | bytes]) -> None:
    with pytest.raises(BlockRejectedError, match="fingerprint"):
        opened(sealed(b"payload"), **asked)  # type: ignore[arg-type]


@given(st.binary(min_size=1, max_size=200), st.randoms())
def test_a_payload_that_was_overwritten_is_detected(payload: bytes, random: object) -> None:
    file = sealed(payload)
    other = bytes(byte ^ 0xFF for byte in payload)

    with pytest.raises(BlockRejectedError) as rejected:
        opened(file[:HEADER_BYTES] + other)

    assert rejected.value.reason is Reject.CHECKSUM
