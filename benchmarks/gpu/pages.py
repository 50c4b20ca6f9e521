"""KV in pages: a pool on the device, and which of its pages a request has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.gpu.device import Device
from benchmarks.gpu.shapes import Shape

Slots = slice | Tensor
"""Places of tokens in the pool: a slice where they follow each other, so that nothing is gathered to be read."""


class PageTable:
    """The pages of one request, in the order of its tokens."""

    def __init__(self, pages: Sequence[int], page_tokens: int, place: torch.device) -> None:
        self.pages, self.page_tokens = list(pages), page_tokens
        first = self.pages[0]
        self._run = self.pages == list(range(first, first + len(self.pages)))
        starts = torch.tensor(self.pages, device=place)[:, None] * page_tokens
        self._slots = (starts + torch.arange(page_tokens, device=place)).flatten()

    def slots(self, start: int, stop: int) -> Slots:
        """Where tokens [start, stop) are."""
        if self._run:
            base = self.pages[0] * self.page_tokens
            return slice(base + start, base + stop)
        return self._slots[start:stop]


class KvPool:
    """Pages of all layers.

    Attributes:
        data: (layers, keys and values, tokens of all pages, KV heads, channels): a layer is read in one piece.
    """

    def __init__(self, shape: Shape, pages: int, page_tokens: int, device: Device) -> None:
        self.page_tokens, self._device = page_tokens, device
        self.data = torch.empty(
            (shape.layers, 2, pages * page_tokens, shape.kv_heads, shape.head_size),
            dtype=device.dtype,
            device=device.place,
        )

    @property
    def pages(self) -> int:
        """How many there are."""
        return self.data.shape[2] // self.page_tokens

    @property
    def page_bytes(self) -> int:
        """Of one page, in all layers."""
        return self.data.nbytes // self.pages

    def page(self, number: int) -> Tensor:
        """One page: (layers, keys and values, tokens, KV heads, channels), a view."""
        return self.data[:, :, number * self.page_tokens : (number + 1) * self.page_tokens]

    def load(self, number: int, row: Tensor) -> None:
        """Fill a page with the bytes of a row of CPU memory.

        The row goes over in one piece and is laid into the layers on the device: as many pieces as layers would cost
        more to launch than to copy.
        """
        page = self.page(number)
        page.copy_(row.view(page.dtype).view(page.shape).to(page.device, non_blocking=True), non_blocking=True)

    def save(self, number: int, row: Tensor) -> None:
        """Write a page to a row of CPU memory, and wait for it."""
        page = self.page(number)
        row.view(page.dtype).view(page.shape).copy_(page.contiguous())

    def poison(self) -> None:
        """Make whatever is not written again show in all that reads it, before anything is copied or computed."""
        self.data.fill_(float("nan"))
        self._device.mark().wait()  # copies have a stream of their own: one could be overtaken by this
