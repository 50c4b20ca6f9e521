"""One model on a device with one long prompt that is stored: what every measurement starts from."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import torch

from benchmarks.gpu.decoders import Decoders
from benchmarks.gpu.device import Device
from benchmarks.gpu.exactness import keep
from benchmarks.gpu.filling import Engine, Prompt
from benchmarks.gpu.model import Llama
from benchmarks.gpu.pages import KvPool, PageTable
from benchmarks.gpu.shapes import SHAPES, Shape

_SEED = 5


@dataclass(frozen=True)
class Sizes:
    """How large everything is.

    Attributes:
        step_tokens: Token budget of a step, the paper's compute chunk.
        page_tokens: Of a page and of a stored chunk, the paper's I/O chunk.
        suffix: New tokens behind a stored prefix.
        context: Of each request that decodes beside a prefill.
        decoding: Requests and contexts of which decode steps are measured.
        file_bytes: Written to the disk to measure it, at most.
    """

    step_tokens: int = 512
    page_tokens: int = 128
    suffix: int = 16
    context: int = 128
    decoding: tuple[tuple[int, int], ...] = ((8, 128), (64, 128), (8, 1024), (64, 1024))
    file_bytes: int = 4 << 30


class Bench:
    """A model, its KV pool, and rows of CPU memory that hold the longest prompt's KV.

    Attributes:
        longest: Tokens of the longest stored prefix.
    """

    def __init__(self, shape: Shape, longest: int, sizes: Sizes, device: Device) -> None:
        """Draw the weights and the prompt.

        Args:
            shape: Of the model.
            longest: Tokens of the longest stored prefix.
            sizes: Of everything else.
            device: Where it runs.
        """
        self.shape, self.longest, self.sizes, self.device = shape, longest, sizes, device
        chunks = longest // sizes.page_tokens
        self.model = Llama(shape, device, positions=longest + sizes.page_tokens)
        self.pool = KvPool(shape, chunks + -(-sizes.suffix // sizes.page_tokens), sizes.page_tokens, device)
        self.rows = device.host_rows(chunks, self.pool.page_bytes)
        draw = torch.Generator().manual_seed(_SEED)
        drawn = torch.randint(shape.vocabulary, (longest + sizes.suffix,), generator=draw)
        self._tokens = drawn.to(device.place)
        self._engines: dict[float, Engine] = {}
        self.store()

    def store(self) -> None:
        """Compute the longest prompt plainly, and keep its KV in the rows."""
        keep(self.engine(1.0), self.prompt(self.longest))

    def prompt(self, tokens: int) -> Prompt:
        """A request whose first tokens, so many, are stored."""
        parts = (self._tokens[:tokens], self._tokens[self.longest :])
        pages = range(-(-(tokens + self.sizes.suffix) // self.sizes.page_tokens))
        table = PageTable(pages, self.sizes.page_tokens, self.device.place)
        return Prompt(torch.cat(parts), tokens, table, self.rows[: tokens // self.sizes.page_tokens])

    def engine(self, share: float) -> Engine:
        """One that has so much of each step for prefill, as others decode in the rest; one at a time is kept."""
        if share not in self._engines:
            self._engines.clear()
            requests = round((1 - share) * self.sizes.step_tokens)
            decoders = self.decoders(requests, self.sizes.context) if requests else None
            self._engines[share] = Engine(self.device, self.model, self.pool, self.sizes.step_tokens, decoders)
        return self._engines[share]

    def decoders(self, requests: int, context: int) -> Decoders:
        """So many requests that decode."""
        return Decoders(self.shape, self.device, requests=requests, context=context)


@dataclass
class Benches:
    """One model at a time.

    Attributes:
        longest: By model, tokens of the longest prefix that is asked of it.
    """

    device: Device
    sizes: Sizes
    longest: dict[str, int]
    _bench: Bench | None = field(default=None, init=False)

    def of(self, model: str) -> Bench:
        """The bench of a model; another one's is let go of."""
        if self._bench is None or self._bench.shape.name != model:
            self._bench = None
            gc.collect()  # threads of its tiers have held its rows
            self.device.free_bytes()
            self._bench = Bench(SHAPES[model], self.longest[model], self.sizes, self.device)
        return self._bench
