"""CacheGen: how far a number may move, what its levels, layers and anchors are for, and payloads by the format page."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_engine.config import CodecName
from cake_engine.store.codecs import codec_of
from tests.unit.store.blocks_of_numbers import Shape, dense_block, numbers_of, shaped_numbers
from tests.unit.store.test_lossy_codecs import TINY, codec_for, encoded, through

BINS = {CodecName.CACHE_GEN_FINE: 0.25, CodecName.CACHE_GEN_MEDIUM: 0.5, CodecName.CACHE_GEN_COARSE: 1.0}
GRADES = (0.75, 1.0, 1.25)
MEDIUM = CodecName.CACHE_GEN_MEDIUM


def anchors_of(tokens: int) -> list[int]:
    """As the page says: groups of some ten tokens, all of one size but for one token."""
    groups = max(1, round(tokens / 10))
    return [group * tokens // groups for group in range(groups)]


def bounds(numbers: torch.Tensor, name: CodecName) -> torch.Tensor:
    """Half a step for each number, of (keys and values, workers, layers, heads, tokens, channels)."""
    layers, tokens = numbers.shape[2], numbers.shape[4]
    anchors = anchors_of(tokens)
    own = torch.tensor([max(a for a in anchors if a <= token) for token in range(tokens)])
    others = torch.tensor([token for token in range(tokens) if token not in anchors])
    apart = numbers - numbers[..., own, :]
    root = apart[..., others, :].square().mean((-2, -1), keepdim=True).sqrt()
    grade = torch.tensor([GRADES[3 * layer // layers] for layer in range(layers)]).view(-1, 1, 1, 1)
    width = BINS[name] * grade * root
    of_anchors = torch.maximum(width / 4, 2 * numbers[..., anchors, :].abs().amax((-2, -1), keepdim=True) / 255) / 2
    largest = apart[..., others, :].abs().amax((-2, -1), keepdim=True) + of_anchors
    found = (torch.maximum(width, 2 * largest / 255) / 2).expand_as(numbers).clone()
    found[..., anchors, :] = of_anchors.expand_as(numbers)[..., anchors, :]
    return found


@pytest.mark.parametrize("name", BINS)
@settings(max_examples=25)
@given(drawn=shaped_numbers)
def test_no_number_moves_further_than_half_a_step_or_the_block_is_as_it_was(
    name: CodecName, drawn: tuple[Shape, torch.Tensor]
) -> None:
    shape, numbers = drawn
    type_ = torch.finfo(numbers.dtype)
    block = dense_block(numbers)
    codec = codec_for(name, shape)
    payload, back = encoded(codec, block), through(codec, block)

    before, after = numbers.double(), numbers_of(back, shape).double()
    largest = float(before.abs().max())
    if largest > min(type_.max / 4, 2.0**48):
        assert payload == back == block
        return
    half = bounds(before, name)
    rounding = (before.abs() + half) * type_.eps + (largest + half) * 2.0**-20
    assert bool(((after - before).abs() <= half + rounding + TINY).all())
    assert float((after - before).abs().max()) <= codec.error_bound * largest * (1 + 2.0**-20) + TINY
    assert len(payload) <= codec.bound(len(block))


def lost(name: CodecName, shape: Shape, numbers: torch.Tensor) -> torch.Tensor:
    """Mean square of what numbers lost, by layer."""
    back = numbers_of(through(codec_for(name, shape), dense_block(numbers)), shape).float()
    return (back - numbers.float()).square().mean((0, 1, 3, 4, 5))


def test_a_coarser_level_is_smaller_and_loses_more() -> None:
    shape = Shape(layers=4, heads=2, channels=64)
    numbers = shape.numbers()
    sizes = [len(encoded(codec_for(name, shape), dense_block(numbers))) for name in BINS]
    losses = [float(lost(name, shape, numbers).sum()) for name in BINS]

    assert all(finer > coarser for finer, coarser in pairwise(sizes))
    assert all(finer < coarser for finer, coarser in pairwise(losses))


def test_the_last_layers_bear_more_than_the_first() -> None:
    shape = Shape("float32", layers=6, heads=64, channels=64)
    scales = 2 ** torch.rand(64, 1, 1, generator=torch.Generator().manual_seed(1))  # a step is a power of two
    numbers = (Shape("float32", heads=64, channels=64).numbers().sign() * scales).expand(shape.sizes).contiguous()
    numbers = numbers * torch.rand(shape.sizes[-2:], generator=torch.Generator().manual_seed(2))
    losses = lost(MEDIUM, shape, numbers)

    assert float(losses[0]) < float(losses[2]) < float(losses[4])
    assert float(losses[0]) == float(losses[1])


def test_what_all_tokens_have_in_common_is_told_once() -> None:
    shape = Shape("float32", layers=3, heads=2, tokens=64, channels=64)
    numbers = shape.numbers()
    common = 20 * torch.randn((*shape.sizes[:-2], 1, 64), generator=torch.Generator().manual_seed(3))
    alone, beside = (len(encoded(codec_for(MEDIUM, shape), dense_block(n))) for n in (numbers, numbers + common))

    assert beside < 1.15 * alone


@pytest.mark.parametrize(("name", "share"), list(zip(BINS, (0.30, 0.24, 0.18), strict=True)))
def test_a_payload_is_about_as_small_as_the_documentation_says(name: CodecName, share: float) -> None:
    """Of numbers as they are in models: bell-shaped, each token much like the one before."""
    shape = Shape(layers=30, heads=3, tokens=32, channels=64)
    draw = torch.Generator().manual_seed(1)
    walk = torch.randn(shape.sizes, generator=draw).cumsum(-2) / 4 + torch.randn(shape.sizes, generator=draw)
    payload = encoded(codec_for(name, shape), dense_block(walk.to(torch.bfloat16)))

    assert len(payload) / shape.bytes == pytest.approx(share, abs=0.02)


def test_blocks_of_one_token_are_refused() -> None:
    with pytest.raises(ValueError, match="no differences between tokens"):
        codec_for(MEDIUM, Shape(tokens=1))


SMALL = Shape("float32", workers=2, layers=2, heads=2, tokens=12, channels=4)
GOOD = bytes(encoded(codec_for(MEDIUM, SMALL), dense_block(SMALL.numbers())))


@settings(max_examples=200)
@given(at=st.integers(0, len(GOOD) - 1), flip=st.integers(1, 255), cut=st.integers(0, 12))
def test_a_payload_that_is_damaged_gives_other_numbers_or_is_refused_and_touches_nothing(
    at: int, flip: int, cut: int
) -> None:
    damaged = bytearray(GOOD[: len(GOOD) - cut])
    if at < len(damaged):
        damaged[at] ^= flip
    block = bytearray(b"\x55" * SMALL.bytes)
    try:
        codec_for(MEDIUM, SMALL).decode(memoryview(damaged), memoryview(block))
    except ValueError:
        assert block == b"\x55" * SMALL.bytes


@given(st.binary(max_size=SMALL.bytes - 1).map(bytearray))
def test_no_bytes_bring_the_decoder_down(payload: bytearray) -> None:
    block = bytearray(SMALL.bytes)
    try:
        codec_for(MEDIUM, SMALL).decode(memoryview(payload), memoryview(block))
    except ValueError:
        assert not any(block)


class PageReader:
    """Reads a payload as docs/reference/store-format.md describes it, number by number and with nothing of ours."""

    def __init__(self, payload: bytes, shape: Shape) -> None:
        self.shape = shape
        self.rest = payload

    def numbers(self) -> np.ndarray:
        """(keys and values, workers, layers, heads, tokens, channels)."""
        _, workers, layers, heads, tokens, channels = self.shape.sizes
        anchors = anchors_of(tokens)
        others = [token for token in range(tokens) if token not in anchors]
        steps = 2.0 ** self.exponents(2 * 2 * workers * layers * heads).reshape(2, 2, workers, layers, heads, 1)
        of_anchors, of_others = (
            (workers, layers, heads, len(anchors), channels),
            (workers, heads, len(others), channels),
        )
        tables = [self.table() for _ in range(2 * (1 + layers))]
        self.begin()
        found = np.empty(self.shape.sizes)
        for plane, first in ((0, 0), (1, 1 + layers)):
            codes = self.run(tables[first], math.prod(of_anchors)).reshape(of_anchors)
            found[plane][..., anchors, :] = codes * steps[plane, 0][..., None]
            for layer in range(layers):
                codes = self.run(tables[first + 1 + layer], math.prod(of_others)).reshape(of_others)
                place = found[plane][:, layer]
                for number, token in enumerate(others):
                    own = max(anchor for anchor in anchors if anchor <= token)
                    place[..., token, :] = place[..., own, :] + codes[..., number, :] * steps[plane, 1][:, layer]
        assert (self.state, self.words) == (0, [])
        return found

    def exponents(self, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count), np.int8).astype(float)

    def take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def table(self) -> list[int]:
        """Beginnings of the symbols -L to L in 2^24 parts, and their end."""
        (largest,) = self.take(1)
        sizes = list(self.take(largest + 1))
        weights = sizes[:0:-1] + sizes
        scale = (2**24 - len(weights)) / sum(weights)
        before = [sum(weights[:place]) for place in range(len(weights))]
        return [int(w * scale) + place for place, w in enumerate(before)] + [2**24]

    def begin(self) -> None:
        self.words = [int.from_bytes(self.rest[at : at + 4], "little") for at in range(0, len(self.rest), 4)]
        self.state = 0
        self.refill()

    def refill(self) -> None:
        while self.words and self.state < 2**32:
            self.state = self.state << 32 | self.words.pop()

    def run(self, table: list[int], count: int) -> np.ndarray:
        found = []
        for _ in range(count):
            rest = self.state % 2**24
            symbol = next(place for place in range(len(table) - 1) if table[place + 1] > rest)
            self.state = (self.state >> 24) * (table[symbol + 1] - table[symbol]) + rest - table[symbol]
            self.refill()
            found.append(symbol - (len(table) - 2) // 2)
        return np.array(found, float)


@pytest.mark.parametrize("name", BINS)
@pytest.mark.parametrize("tokens", [2, 12, 25])
def test_a_payload_is_the_one_of_the_format_page(name: CodecName, tokens: int) -> None:
    shape = Shape("float32", workers=2, layers=3, heads=2, tokens=tokens, channels=24)
    codec = codec_of(name, shape.dtype, shape.dense())
    block = dense_block(shape.numbers())
    decoded = numbers_of(through(codec, block), shape).numpy()

    found = PageReader(bytes(encoded(codec, block)), shape).numbers()
    np.testing.assert_allclose(decoded, found, rtol=2.0**-20, atol=float(np.abs(found).max()) * 2.0**-22)
