"""Requests that decode beside: one token each in every step, over a context of their own."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.gpu.attention import attend_all
from benchmarks.gpu.device import Device
from benchmarks.gpu.shapes import Shape


class Decoders:
    """They go on for ever: a token's KV takes the place of the oldest one's, so that every step costs the same.

    Attributes:
        tokens: The next one of each.
        position: Of these.
    """

    def __init__(self, shape: Shape, device: Device, *, requests: int, context: int, seed: int = 2) -> None:
        draw = torch.Generator(device.place).manual_seed(seed)
        sizes = (shape.layers, 2, requests, context, shape.kv_heads, shape.head_size)
        self._kv = torch.empty(sizes, dtype=device.dtype, device=device.place).normal_(generator=draw)
        self.tokens = torch.randint(shape.vocabulary, (requests,), device=device.place, generator=draw)
        self.position = context - 1
        self._oldest = 0

    @property
    def requests(self) -> int:
        """How many."""
        return len(self.tokens)

    @property
    def context(self) -> int:
        """Tokens that each attends to."""
        return self._kv.shape[3]

    def attend(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Each attends to its context, itself in it; all are (requests, heads, channels)."""
        kept = self._kv[layer]
        kept[0, :, self._oldest], kept[1, :, self._oldest] = keys, values
        return attend_all(queries[:, :, None], kept[0].transpose(1, 2), kept[1].transpose(1, 2))[:, :, 0]

    def advance(self) -> None:
        """A step is over."""
        self._oldest = (self._oldest + 1) % self.context
