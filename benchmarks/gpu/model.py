"""A Llama, as small as it can be written: a step computes one request's prefill, and of each that decodes a token."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.gpu import attention
from benchmarks.gpu.decoders import Decoders
from benchmarks.gpu.device import Device
from benchmarks.gpu.pages import KvPool, PageTable
from benchmarks.gpu.shapes import Shape

_EPSILON = 1e-5


class Llama:
    """Random weights of a real shape.

    Attributes:
        kernel: Of attention.
    """

    def __init__(self, shape: Shape, device: Device, *, positions: int, seed: int = 1) -> None:
        """Draw the weights.

        Args:
            shape: Sizes.
            device: Where they lie.
            positions: The most tokens of a request.
            seed: Of the weights.
        """
        self.shape, self._place, self._dtype = shape, device.place, device.dtype
        self._draw = torch.Generator(device.place).manual_seed(seed)
        self.kernel = attention.choose(device, shape.heads, shape.kv_heads, shape.head_size)
        size, head = shape.hidden, shape.head_size
        self._embedding = self._weights(shape.vocabulary, size)
        self._layers = [
            (
                self._weights((shape.heads + 2 * shape.kv_heads) * head, size),
                self._weights(size, shape.heads * head),
                self._weights(2 * shape.inner, size),
                self._weights(size, shape.inner),
            )
            for _ in range(shape.layers)
        ]
        self._head = self._weights(shape.vocabulary, size)
        angles = torch.outer(
            torch.arange(positions, device=device.place, dtype=torch.float32),
            shape.rope_base ** (-torch.arange(0, head, 2, device=device.place, dtype=torch.float32) / head),
        )
        self._turns = torch.polar(torch.ones_like(angles), angles)

    @torch.inference_mode()
    def step(
        self,
        tokens: Tensor,
        start: int,
        table: PageTable,
        pool: KvPool,
        decoders: Decoders | None = None,
    ) -> Tensor:
        """Compute the next tokens of a request, and one of each that decodes; the device may still be at it.

        Args:
            tokens: Of the request; none where only others decode.
            start: How many are before them.
            table: Its pages.
            pool: Holds what is before them, and gets theirs.
            decoders: Who decodes in the same step.

        Returns:
            Logits of the last token of the step: (vocabulary,).
        """
        spans, count = tokens, len(tokens)
        turns = self._turns[start : start + count]
        if decoders is not None:
            spans = torch.cat((tokens, decoders.tokens))
            turns = torch.cat((turns, self._turns[decoders.position].expand(len(decoders.tokens), -1)))
        context, here = table.slots(0, start + count), table.slots(start, start + count)
        hidden = functional.embedding(spans, self._embedding)
        for number, (into, out, up, down) in enumerate(self._layers):
            queries, keys, values = self._heads(functional.linear(_normed(hidden), into), turns)
            attended = torch.empty_like(queries)
            if count:
                pool.data[number, 0, here], pool.data[number, 1, here] = keys[:count], values[:count]
                every = (pool.data[number, part, context].transpose(0, 1) for part in (0, 1))
                found = attention.attend(self.kernel, queries[:count].transpose(0, 1), *every)
                attended[:count] = found.transpose(0, 1)
            if decoders is not None:
                attended[count:] = decoders.attend(number, queries[count:], keys[count:], values[count:])
            hidden = hidden + functional.linear(attended.flatten(1), out)
            gate, value = functional.linear(_normed(hidden), up).chunk(2, -1)
            hidden = hidden + functional.linear(functional.silu(gate) * value, down)
        if decoders is not None:
            decoders.advance()
        last = hidden[count - 1 : count] if count else hidden[-1:]
        logits: Tensor = functional.linear(_normed(last), self._head)[0].float()
        return logits

    def _weights(self, rows: int, columns: int) -> Tensor:
        drawn = torch.empty((rows, columns), dtype=self._dtype, device=self._place)
        return drawn.normal_(0.0, columns**-0.5, generator=self._draw)

    def _heads(self, found: Tensor, turns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values as (tokens, heads, channels), the first two turned by their positions."""
        shape = self.shape
        turned = shape.heads + shape.kv_heads
        split = found.view(len(found), turned + shape.kv_heads, shape.head_size)
        pairs = torch.view_as_complex(split[:, :turned].float().unflatten(-1, (-1, 2)))
        both = torch.view_as_real(pairs * turns[:, None]).flatten(-2).to(found.dtype)
        return both[:, : shape.heads], both[:, shape.heads :], split[:, turned:]


def _normed(hidden: Tensor) -> Tensor:
    return functional.rms_norm(hidden, hidden.shape[-1:], eps=_EPSILON)
