"""Lossy codecs: how far a number may move, what passes as it is, and that exact blocks and others never meet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from cake_engine.config import MEASURED_QUALITY, CodecName, TierConfig, TierKind
from cake_engine.store.blocks import BlockStore
from cake_engine.store.codecs import Codec, affine, codec_of, planes
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.keys import Fingerprint
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.transfer import Transfer
from tests.unit.store.blocks_of_numbers import ORDERS, TYPES, Shape, dense_block, numbers_of, shaped_numbers
from tests.unit.store.conftest import key_of

LOSSY = [name for name in CodecName if not name.exact]
BITS = {CodecName.INT8: 8, CodecName.KIVI4: 4, CodecName.KIVI2: 2}
"""Those of groups."""
TINY = 2.0**-118
"""Processors may take numbers below the smallest normal one for zero; of those at most 255 steps are made."""


def codec_for(name: CodecName, shape: Shape) -> Codec:
    return codec_of(name, shape.dtype, shape.dense())


def encoded(codec: Codec, block: bytearray) -> bytearray:
    payload = bytearray(codec.bound(len(block)))
    return payload[: codec.encode(memoryview(block), memoryview(payload))]


def through(codec: Codec, block: bytearray) -> bytearray:
    back = bytearray(b"\x33" * len(block))
    codec.decode(memoryview(encoded(codec, block)), memoryview(back))
    return back


def ranges(numbers: torch.Tensor, name: CodecName) -> torch.Tensor:
    """For each number the width of its group: 32 tokens of a channel or 32 channels of a token; Int8: all of them."""
    found = torch.empty_like(numbers)
    for which, axis in ((0, -2), (1, -1)):
        size = numbers.shape[axis]
        group = size if name is CodecName.INT8 else math.gcd(32, size)
        parts = numbers[which].unflatten(axis, (-1, group))
        inner = axis if axis == -1 else -2
        width = parts.amax(inner, keepdim=True) - parts.amin(inner, keepdim=True)
        found[which] = width.expand_as(parts).reshape(numbers.shape[1:])
    return found


@pytest.mark.parametrize("name", BITS)
@settings(max_examples=40)
@given(drawn=shaped_numbers)
def test_no_number_moves_further_than_half_a_step_of_its_group_or_the_block_is_as_it_was(
    name: CodecName, drawn: tuple[Shape, torch.Tensor]
) -> None:
    shape, numbers = drawn
    type_ = torch.finfo(numbers.dtype)
    block = dense_block(numbers)
    codec = codec_for(name, shape)
    payload = encoded(codec, block)
    back = through(codec, block)

    if float(numbers.abs().max()) > type_.max / 4:
        assert payload == back == block
        return
    before, after = numbers.double(), numbers_of(back, shape).double()
    half = ranges(before, name) / (2 ** BITS[name] - 1) / 2
    largest = float(before.abs().max())
    rounding = (before.abs() + half) * type_.eps + largest * 2.0**-20
    assert bool(((after - before).abs() <= half * (1 + type_.eps) + rounding + TINY).all())
    assert float((after - before).abs().max()) <= codec.error_bound * largest * (1 + 2.0**-20) + TINY
    assert len(payload) < len(block) == codec.bound(len(block))


@pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)
def test_a_step_is_rounded_up_or_the_largest_number_would_be_out_of_its_reach(dtype: torch.dtype) -> None:
    steps = torch.rand(1000, generator=torch.Generator().manual_seed(1))
    rounded = affine._rounded_up(steps, dtype)

    assert bool((rounded.float() >= steps).all())
    assert bool((rounded.float() <= steps * (1 + torch.finfo(dtype).eps)).all())


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 5000, -1])
def test_a_block_with_a_number_that_is_none_passes_bit_for_bit(
    name: CodecName, dtype: str, odd: float, place: int
) -> None:
    shape = Shape(dtype, layers=2, heads=2)
    numbers = shape.numbers()
    numbers.view(-1)[place] = odd
    block = dense_block(numbers)

    assert encoded(codec_for(name, shape), block) == block
    assert through(codec_for(name, shape), block) == block


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("value", [0.0, 1.5, -3.0])
def test_what_is_the_same_everywhere_stays_it(name: CodecName, value: float) -> None:
    shape = Shape()
    block = dense_block(torch.full(shape.sizes, value, dtype=torch.bfloat16))

    assert through(codec_for(name, shape), block) == block


@pytest.mark.parametrize("name", LOSSY)
def test_the_order_of_a_kernel_and_the_size_of_a_piece_change_nothing(
    name: CodecName, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = Shape(workers=2, layers=3, heads=3, tokens=64, channels=80)
    numbers = shape.numbers()
    payloads = []
    for (layout, block), piece in product(ORDERS.values(), (1, 3 * 64 * 80, 1 << 20)):
        monkeypatch.setattr(planes, "_ONE_THREAD", piece)
        codec = codec_of(name, shape.dtype, layout(shape))
        payloads.append(encoded(codec, block(numbers)))
        assert through(codec, block(numbers)) == block(
            numbers_of(through(codec_for(name, shape), dense_block(numbers)), shape)
        )

    assert len({bytes(payload) for payload in payloads}) == 1


def test_padding_is_neither_stored_nor_touched() -> None:
    shape = Shape(dtype="float16")
    block = dense_block(shape.numbers(), padding=4096)
    codec = codec_for(CodecName.INT8, shape)

    assert len(encoded(codec, block)) == len(encoded(codec, block[:-4096]))
    assert through(codec, block)[-4096:] == b"\x33" * 4096


@pytest.mark.parametrize(
    ("name", "share"), [(CodecName.INT8, 0.547), (CodecName.KIVI4, 0.3125), (CodecName.KIVI2, 0.1875)]
)
def test_a_payload_is_as_small_as_the_documentation_says(name: CodecName, share: float) -> None:
    shape = Shape(layers=4, heads=2, tokens=32, channels=64)

    assert len(encoded(codec_for(name, shape), dense_block(shape.numbers()))) / shape.bytes == pytest.approx(
        share, 1e-3
    )


@pytest.mark.parametrize("name", LOSSY)
def test_what_is_no_payload_of_such_a_block_is_refused_and_touches_nothing(name: CodecName) -> None:
    shape = Shape()
    codec = codec_for(name, shape)
    payload = encoded(codec, dense_block(shape.numbers()))

    for wrong in (b"", payload[:-1], payload + b"x", bytes(shape.bytes + 1), bytes(shape.bytes - 1)):
        block = bytearray(b"\x55" * shape.bytes)
        with pytest.raises(ValueError, match="not a payload of a block"):
            codec.decode(memoryview(wrong), memoryview(block))
        assert block == b"\x55" * shape.bytes


def test_threads_use_one_codec_at_once() -> None:
    shape = Shape(layers=4, heads=2)
    codec = codec_for(CodecName.KIVI4, shape)
    blocks = [dense_block(shape.numbers(seed)) for seed in range(32)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda b: through(codec, b), blocks)) == [through(codec, b) for b in blocks]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (Shape(tokens=2, channels=2), "do not become smaller"),
        (Shape(tokens=1, channels=1), "fill no whole bytes"),
    ],
)
def test_blocks_that_would_not_become_smaller_are_refused(shape: Shape, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        codec_for(CodecName.KIVI4, shape)


def test_blocks_of_other_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks of fp8_e4m3 are not of float32, float16, bfloat16"):
        codec_of(CodecName.INT8, "fp8_e4m3", Shape("fp8_e4m3").dense())
    with pytest.raises(ValueError, match="has to know where the numbers of a block lie"):
        codec_of(CodecName.INT8, "bfloat16")


def test_a_payload_is_the_one_of_the_format_page() -> None:
    shape = Shape("float32", tokens=8, channels=4)
    numbers = shape.numbers()
    keys, values = numbers[0, 0, 0, 0].numpy(), numbers[1, 0, 0, 0].numpy()
    scales, codes = [], []
    for groups in (keys[None], values[:, :, None]):  # groups, numbers of a group, channels
        low, high = groups.min(1, keepdims=True), groups.max(1, keepdims=True)
        step = (high - low) / np.float32(15)
        code = np.clip(np.round((groups - low) / step), 0, 15).astype(np.uint8)
        half = groups.shape[1] // 2
        scales += [low, step]
        codes += [code[:, :half] | code[:, half:] << 4]

    assert encoded(codec_for(CodecName.KIVI4, shape), dense_block(numbers)) == b"".join(
        part.tobytes() for part in (*scales, *codes)
    )


_CAPACITY = 1 << 30


class Tiers:
    """A tier's folder, opened with each codec in turn by engines that are the same otherwise."""

    shape = Shape(layers=4, heads=2)

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows = [dense_block(self.shape.numbers()), bytearray(self.shape.bytes)]
        self.recorder = Recorder()
        self.keeper = Keeper(root, Limits(_CAPACITY), on_evicted=lambda files: None)
        self.keeper.tend()  # once, by nobody's thread: a busy machine is not what is tested here
        self.stores = {name: self._opened(name) for name in CodecName}

    def _opened(self, name: CodecName) -> BlockStore:
        floor = MEASURED_QUALITY.get(name)
        tier = TierConfig(
            name="t",
            kind=TierKind.FILE_SYSTEM,
            path=str(self.root),
            capacity_bytes=_CAPACITY,
            codec=name,
            quality_floor=floor,
        )
        space = Fingerprint("m", None, "bfloat16", "l", block_tokens=32, block_bytes=self.shape.bytes, codec=name)
        return BlockStore(tier, space, self.recorder, self.keeper, layout=self.shape.dense())

    def move(self, direction: str, row: int, name: CodecName) -> str | None:
        store = self.stores[name]
        transfer = Transfer(job=0, owner="r", key=key_of(1), chunk=row, size=store.file_bytes)
        transfer.start(0.0)
        getattr(store, direction)(transfer, lambda chunk: memoryview(self.rows[chunk]), page_buffer(store.file_bytes))
        return transfer.failure


@pytest.fixture
def tiers(tmp_path: Path) -> Iterator[Tiers]:
    tiers = Tiers(tmp_path)
    yield tiers
    tiers.keeper._allowance.close()


@pytest.mark.parametrize("name", CodecName)
def test_a_block_of_one_codec_is_none_of_another(tiers: Tiers, name: CodecName) -> None:
    assert tiers.move("save", 0, name) is None
    others = [other for other in CodecName if other is not name]

    assert [tiers.move("load", 1, other) for other in others] == ["missing"] * len(others)
    assert not any(tiers.rows[1])
    assert tiers.move("load", 1, name) is None
    assert (tiers.rows[1] == tiers.rows[0]) is name.exact


@pytest.mark.parametrize("name", LOSSY)
def test_a_lossy_file_in_the_place_of_an_exact_one_is_refused_and_removed(tiers: Tiers, name: CodecName) -> None:
    tiers.move("save", 0, CodecName.RAW)
    (exact,) = tiers.root.rglob("*.kv")
    tiers.move("save", 0, name)
    (lossy,) = set(tiers.root.rglob("*.kv")) - {exact}
    lossy.replace(exact)

    assert tiers.move("load", 1, CodecName.RAW) == "fingerprint"
    assert not any(tiers.rows[1])
    assert not exact.exists()
