"""The numbers of a block as tables of tokens and channels, in pieces so small that torch stays on one thread."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from cake_engine.store.layout import BlockLayout, Plane

_TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_ONE_THREAD = 32767
"""Numbers in one operation: from 32,768 on torch takes further threads, and those belong to the model."""

Piece = tuple[int, slice, slice]
"""A worker, some of its layers, some of their heads."""


def type_of(layout: BlockLayout) -> torch.dtype:
    """The type of a block's numbers.

    Raises:
        ValueError: Lossy codecs know none such.
    """
    if layout.dtype not in _TYPES:
        raise ValueError(f"blocks of {layout.dtype} are not of {', '.join(_TYPES)}")
    return _TYPES[layout.dtype]


def largest_of(dtype: torch.dtype) -> float:
    """A quarter of the largest number of a type: what is made of numbers no larger does not leave the type."""
    return torch.finfo(dtype).max / 4


@dataclass(frozen=True)
class PlaneNumbers:
    """The keys, or the values, of all workers, layers and heads of a block."""

    layout: BlockLayout
    plane: Plane

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Workers, layers, heads, tokens and channels."""
        return self.layout.workers[0], self.layout.layers[0], *self.plane.shape

    @property
    def count(self) -> int:
        """Of all of them."""
        return math.prod(self.shape)

    def pieces(self) -> Iterator[Piece]:
        """The whole plane in parts of as many numbers as one thread handles, heads being the least."""
        workers, layers, heads, *rest = self.shape
        at_once = max(1, _ONE_THREAD // math.prod(rest))
        layer_step, head_step = max(1, at_once // heads), min(heads, at_once)
        for worker in range(workers):
            for layer in range(0, layers, layer_step):
                for head in range(0, heads, head_step):
                    yield worker, slice(layer, layer + layer_step), slice(head, head + head_step)

    def read(self, numbers: torch.Tensor, piece: Piece) -> torch.Tensor:
        """A piece of a block, of shape (layers, heads, tokens, channels)."""
        found = self._view(numbers, piece)
        return found.reshape(*found.shape[:2], *self.plane.shape[1:])

    def write(self, numbers: torch.Tensor, piece: Piece, decoded: torch.Tensor) -> None:
        """Put a piece into a block, rounded to its type."""
        place = self._view(numbers, piece)
        place.copy_(decoded.reshape(place.shape))

    def _view(self, numbers: torch.Tensor, piece: Piece) -> torch.Tensor:
        worker, layers, heads = piece
        parts = [self.layout.layers, self.plane.heads, *self.plane.tokens, *self.plane.channels]
        sizes, strides = zip(*parts, strict=True)
        offset = worker * self.layout.workers[1] + self.plane.offset
        return numbers.as_strided(sizes, strides, offset)[layers, heads]
