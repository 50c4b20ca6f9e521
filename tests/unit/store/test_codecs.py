"""Codecs: what comes back is what was stored, and what is not a payload is refused before memory is touched."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.config import CodecName, TierConfig, TierKind
from cake_engine.store.blockfile import HEADER_BYTES, seal
from cake_engine.store.blocks import BlockStore
from cake_engine.store.codecs import Codec, codec_of
from cake_engine.store.keys import Fingerprint
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.transfer import Transfer
from tests.unit.store.blocks_of_numbers import Shape
from tests.unit.store.conftest import key_of

DTYPES = ["float32", "torch.bfloat16", "fp8_e4m3", "auto"]
CODECS = [(name, dtype) for name in CodecName if name.exact for dtype in DTYPES]


def numbers(count: int, dtype: type = np.float16) -> bytes:
    """As KV is: many values of few magnitudes."""
    return np.random.default_rng(1).normal(0, 1, count).astype(dtype).tobytes()


def encoded(codec: Codec, block: bytes) -> bytes:
    payload = bytearray(codec.bound(len(block)))
    return bytes(payload[: codec.encode(memoryview(block), memoryview(payload))])


def decoded(codec: Codec, payload: bytes, size: int) -> bytes:
    block = bytearray(size)
    codec.decode(memoryview(payload), memoryview(block))
    return bytes(block)


blocks = st.one_of(
    st.binary(max_size=3000),
    st.builds(lambda part, times: part * times, st.binary(min_size=1, max_size=40), st.integers(1, 200)),
)


@pytest.mark.parametrize(("name", "dtype"), CODECS)
@given(block=blocks)
def test_an_exact_codec_gives_back_every_byte_and_keeps_its_bound(name: CodecName, dtype: str, block: bytes) -> None:
    codec = codec_of(name, dtype)
    payload = encoded(codec, block)

    assert codec.error_bound == 0
    assert len(payload) <= codec.bound(len(block))
    assert decoded(codec, payload, len(block)) == block


def test_codecs_have_numbers_of_their_own() -> None:
    layout = Shape().dense()

    assert len({codec_of(name, "bfloat16", layout).identifier for name in CodecName}) == len(CodecName)


@pytest.mark.parametrize(("dtype", "kind"), [("bfloat16", np.float16), ("float32", np.float32)])
def test_zstd_makes_numbers_smaller_and_sorting_their_bytes_is_why(dtype: str, kind: type) -> None:
    block = numbers(50_000, kind)
    ours, unsorted = encoded(codec_of(CodecName.ZSTD, dtype), block), encoded(codec_of(CodecName.ZSTD, "auto"), block)

    assert len(ours) < 0.93 * len(block)
    assert len(ours) < len(unsorted)


def test_noise_is_stored_as_it_is() -> None:
    block = np.random.default_rng(1).integers(0, 256, 5000, np.uint8).tobytes()

    assert encoded(codec_of(CodecName.ZSTD, "bfloat16"), block) == b"\0" + block


FRAME = zstandard.ZstdCompressor().compress(bytes(4000))
NOT_PAYLOADS = {
    "nothing": b"",
    "only a first byte": b"\2",
    "a stored block that is cut": b"\0" + bytes(3999),
    "a stored block that is too long": b"\0" + bytes(4001),
    "no frame": b"\2" + bytes(100),
    "a frame that is cut": b"\2" + FRAME[:-1],
    "a frame and more": b"\2" + FRAME + b"x",
    "a frame of a smaller block": b"\2" + zstandard.ZstdCompressor().compress(bytes(3998)),
    "a frame of a far larger block": b"\2" + zstandard.ZstdCompressor().compress(bytes(1 << 24)),
    "numbers that do not fill the block": b"\3" + FRAME,
}


@pytest.mark.parametrize("payload", NOT_PAYLOADS.values(), ids=NOT_PAYLOADS.keys())
def test_what_is_no_payload_of_such_a_block_is_refused_and_touches_nothing(payload: bytes) -> None:
    block = bytearray(b"\x55" * 4000)

    with pytest.raises(ValueError, match=r"."):
        codec_of(CodecName.ZSTD, "bfloat16").decode(memoryview(payload), memoryview(block))
    assert block == b"\x55" * 4000


@given(payload=st.binary(max_size=300), width=st.integers(0, 255))
def test_whatever_a_payload_is_nothing_but_a_refusal_comes_of_it(payload: bytes, width: int) -> None:
    block = bytearray(64)
    for content in (payload, bytes([width]) + zstandard.ZstdCompressor().compress(payload[:64].ljust(64))):
        try:
            codec_of(CodecName.ZSTD, "bfloat16").decode(memoryview(content), memoryview(block))
        except ValueError:
            continue


def test_threads_use_one_codec_at_once() -> None:
    codec = codec_of(CodecName.ZSTD, "bfloat16")
    made = [numbers(20_000 + n) for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        back = list(pool.map(lambda block: decoded(codec, encoded(codec, block), len(block)), made))

    assert back == made


class Tier:
    """A store with the codec, over two rows of memory."""

    def __init__(self, root: Path, capacity: int) -> None:
        self.space = Fingerprint("m", None, "bfloat16", "l", block_tokens=32, block_bytes=65536, codec=CodecName.ZSTD)
        tier = TierConfig(
            name="t", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=capacity, codec=CodecName.ZSTD
        )
        self.root, self.recorder = root, Recorder()
        self.store = BlockStore(tier, self.space, self.recorder)
        self.rows = [bytearray(numbers(32768)), bytearray(65536)]

    def move(self, direction: str, row: int, key: int) -> Transfer:
        transfer = Transfer(job=0, owner="r", key=key_of(key), chunk=row, size=self.store.file_bytes)
        transfer.start(0.0)
        move = self.store.save if direction == "save" else self.store.load
        move(transfer, lambda chunk: memoryview(self.rows[chunk]), page_buffer(self.store.file_bytes))
        return transfer

    def files(self) -> list[Path]:
        return list(self.root.rglob("*.kv"))


@pytest.fixture
def tier(tmp_path: Path) -> Iterator[Tier]:
    tier = Tier(tmp_path, capacity=3 * 69_633)
    yield tier
    tier.store.stop()


def test_a_tier_with_a_codec_moves_fewer_bytes_and_says_how_many(tier: Tier) -> None:
    saved = tier.move("save", 0, 1)
    (file,) = tier.files()
    loaded = tier.move("load", 1, 1)

    assert tier.rows[1] == tier.rows[0]
    assert saved.moved == loaded.moved == file.stat().st_size < 0.95 * tier.store.file_bytes
    counted = tier.recorder.take("t", used_bytes=0, capacity_bytes=0, queue_depth=0)
    assert counted.read_bytes == counted.write_bytes == file.stat().st_size


def test_the_capacity_is_of_bytes_on_the_disk(tier: Tier) -> None:
    tier.rows[0][:] = bytes(65536)  # a few bytes each
    failures = [tier.move("save", 0, key).failure for key in range(20)]

    assert failures == [None] * 20
    assert len(tier.files()) == 20


def test_a_payload_that_is_none_is_refused_counted_and_removed_though_its_checksum_is_right(tier: Tier) -> None:
    tier.move("save", 0, 1)
    (path,) = tier.files()
    file = bytearray(HEADER_BYTES) + b"\2" + bytes(50)
    seal(memoryview(file), codec=2, fingerprint=tier.space.digest, key=key_of(1), position=0)
    path.write_bytes(file)

    assert tier.move("load", 1, 1).failure == "truncated"
    assert not any(tier.rows[1])
    assert tier.recorder.take("t", used_bytes=0, capacity_bytes=0, queue_depth=0).rejects == {"truncated": 1}
    assert tier.files() == []


def test_a_zstd_payload_is_the_one_of_the_format_page() -> None:
    block = numbers(1000)
    payload = encoded(codec_of(CodecName.ZSTD, "bfloat16"), block)
    planes = zstandard.ZstdDecompressor().decompress(payload[1:])

    assert payload[0] == 2
    assert planes == block[0::2] + block[1::2]
