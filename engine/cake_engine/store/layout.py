"""Where the keys and the values of a block lie among its bytes: what a codec has to know that looks at numbers.

Engines order a block as their attention kernels want it. A layout says that order as sizes and strides, so a codec
sees every block as (layers, heads, tokens, channels), whatever the kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Part = tuple[int, int]
"""A size and a stride, in numbers. An axis may be in several parts, outer first, as where kernels store tiles."""


@dataclass(frozen=True)
class Plane:
    """The keys, or the values, of one layer of one worker.

    Attributes:
        offset: Of the first number, from where the layer begins.
        heads: KV heads.
        tokens: Of a block.
        channels: Of one head.
    """

    offset: int
    heads: Part
    tokens: tuple[Part, ...]
    channels: tuple[Part, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Heads, tokens and channels."""
        tokens, channels = (math.prod(size for size, _ in parts) for parts in (self.tokens, self.channels))
        return self.heads[0], tokens, channels


@dataclass(frozen=True)
class BlockLayout:
    """All numbers of a block; what lies between them, or after, is padding.

    Attributes:
        dtype: Of the numbers: float32, float16 or bfloat16.
        workers: One after the other: how many, and numbers from one to the next.
        layers: Of each worker, likewise.
        keys: Of each layer.
        values: Of each layer.
    """

    dtype: str
    workers: Part
    layers: Part
    keys: Plane
    values: Plane
