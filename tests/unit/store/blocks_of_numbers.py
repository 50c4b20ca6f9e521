"""Blocks of numbers in two orders: as kernels of GPUs keep them, and in tiles as those of CPUs do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

from cake_engine.store.layout import BlockLayout, Plane

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Shape:
    """Of a block: keys and values are (2, workers, layers, heads, tokens, channels)."""

    dtype: str = "bfloat16"
    workers: int = 1
    layers: int = 1
    heads: int = 1
    tokens: int = 32
    channels: int = 32

    @property
    def sizes(self) -> tuple[int, ...]:
        return 2, self.workers, self.layers, self.heads, self.tokens, self.channels

    @property
    def page(self) -> int:
        return 2 * self.heads * self.tokens * self.channels

    @property
    def bytes(self) -> int:
        return self.workers * self.layers * self.page * TYPES[self.dtype].itemsize

    def numbers(self, seed: int = 1) -> torch.Tensor:
        """As KV is: channels of their own size."""
        draw = torch.Generator().manual_seed(seed)
        scales = 4 ** torch.randn((*self.sizes[:-2], 1, self.channels), generator=draw)
        return (torch.randn(self.sizes, generator=draw) * scales).to(TYPES[self.dtype])

    def dense(self) -> BlockLayout:
        """Pages of (heads, tokens, keys and values side by side)."""
        row = 2 * self.channels
        keys = Plane(0, (self.heads, self.tokens * row), ((self.tokens, row),), ((self.channels, 1),))
        values = Plane(self.channels, keys.heads, keys.tokens, keys.channels)
        return self._layout(keys, values)

    def tiled(self) -> BlockLayout:
        """Pages of (heads, keys then values): keys by channel, values in pairs of tokens."""
        half = self.tokens * self.channels
        keys = Plane(0, (self.heads, 2 * half), ((self.tokens, 1),), ((self.channels, self.tokens),))
        pairs = ((self.tokens // 2, 2 * self.channels), (2, 1))
        return self._layout(keys, Plane(half, keys.heads, pairs, ((self.channels, 2),)))

    def _layout(self, keys: Plane, values: Plane) -> BlockLayout:
        return BlockLayout(self.dtype, (self.workers, self.layers * self.page), (self.layers, self.page), keys, values)


def dense_block(numbers: torch.Tensor, padding: int = 0) -> bytearray:
    return _bytes(numbers.permute(1, 2, 3, 4, 0, 5), padding)


def tiled_block(numbers: torch.Tensor, padding: int = 0) -> bytearray:
    keys, values = numbers[0].transpose(-1, -2), numbers[1].unflatten(-2, (-1, 2)).transpose(-1, -2)
    return _bytes(torch.cat([keys.flatten(-2), values.flatten(-3)], dim=-1), padding)


def numbers_of(block: bytearray, shape: Shape) -> torch.Tensor:
    """The numbers of a dense block."""
    workers, layers, heads, tokens, channels = shape.sizes[1:]
    flat = torch.frombuffer(block, dtype=TYPES[shape.dtype], count=workers * layers * shape.page)
    return flat.view(workers, layers, heads, tokens, 2, channels).permute(4, 0, 1, 2, 3, 5)


ORDERS: dict[str, tuple[Callable[[Shape], BlockLayout], Callable[..., bytearray]]] = {
    "dense": (Shape.dense, dense_block),
    "tiled": (Shape.tiled, tiled_block),
}


def _bytes(numbers: torch.Tensor, padding: int) -> bytearray:
    return bytearray(numbers.contiguous().view(torch.uint8).numpy().tobytes()) + bytearray(b"\x55" * padding)


def _filled(shape: Shape, content: list[float]) -> tuple[Shape, torch.Tensor]:
    type_ = TYPES[shape.dtype]
    limits = torch.finfo(type_)
    return shape, torch.tensor(np.resize(content, shape.sizes)).clamp(limits.min, limits.max).to(type_)


shaped_numbers = st.builds(
    _filled,
    st.builds(
        Shape,
        dtype=st.sampled_from(sorted(TYPES)),
        workers=st.integers(1, 2),
        layers=st.integers(1, 3),
        heads=st.integers(1, 3),
        tokens=st.sampled_from([16, 32, 96]),
        channels=st.sampled_from([16, 64, 80]),
    ),
    st.one_of(
        st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=70),
        st.lists(st.floats(-1, 1), min_size=1, max_size=70),
        st.lists(st.floats(-30000, 30000), min_size=1, max_size=3),
    ),
)
"""Any shape, and numbers of any size in it."""
