"""Whether KV and the first token's logits are plain prefill's, wherever compute and loads met, however loads came.

What was loaded is what plain prefill had computed, bit for bit. What is computed is so too where its steps are plain
prefill's own steps: then the same kernels do the same on numbers of the same shapes. A step that ends elsewhere, at a
meeting point inside it, has other shapes: kernels may add in another order, and a sum may round to its neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmarks.gpu.filling import Engine, Filling, Prompt, Served
from benchmarks.gpu.pages import PageTable
from benchmarks.gpu.sources import Ended
from benchmarks.journal import Figures
from cake_engine.config import Mode
from cake_engine.core.tier_cost import TierCost

if TYPE_CHECKING:
    from benchmarks.gpu.bench import Bench

BOUNDS = {torch.float32: 1e-5, torch.bfloat16: 5e-2}
"""The most that a page may differ in norm, over its own norm.

A number that rounds to its neighbour differs by the type's last bit, 2^-23 or 2^-8, and each layer hands on what the
one before made of it: some hundred such roundings, in any direction, add up to some ten of them. A page that holds
anything else than its own KV differs by about 1."""


class Erratic:
    """A tier whose reads end in any order and at any time, and some of which fail: all by a seed."""

    def __init__(self, seed: int) -> None:
        self.name = "erratic"
        self.cap: float | None = None
        self._random = Random(seed)
        self._pace = self._random.choice((0.02, 0.2, 0.9))
        self._losses = self._random.choice((0.0, 0.0, 0.2))
        self._asked: list[int] = []
        self._pressed = False
        self.cost = TierCost()
        pace = 10 ** self._random.uniform(-6, 0)
        for number in range(1, 4):
            self.cost.observe(1, 0.0, number * pace, busy=False)

    def ask(self, chunks: Iterable[int]) -> None:
        """Have chunks read some time."""
        self._asked += chunks

    def give_up(self, chunks: Iterable[int]) -> set[int]:
        """Take back all of these, or none."""
        taken = set(chunks) & set(self._asked) if self._random.random() < 0.5 else set()
        self._asked = [chunk for chunk in self._asked if chunk not in taken]
        return taken

    def ended(self) -> Iterator[Ended]:
        """Some of what was asked for; one at least after a wait."""
        ending = [chunk for chunk in self._asked if self._random.random() < self._pace]
        if self._pressed and not ending:
            ending = self._asked[:1]
        self._pressed = False
        for chunk in self._random.sample(ending, len(ending)):
            self._asked.remove(chunk)
            yield Ended(chunk, "lost" if self._random.random() < self._losses else None)

    def wait(self) -> None:
        """Nothing is waited for: the next look finds something."""
        self._pressed = True

    def drain(self) -> None:
        """Forget what was asked for."""
        self._asked.clear()


_CHUNKS = 32
"""Of the prompts that are compared."""
_WRONG = 1e9
"""Stands for a difference without bound, which JSON has no number for."""


@dataclass(frozen=True)
class Difference:
    """One request beside plain prefill.

    Attributes:
        computed: Chunks that it computed.
        kv: The largest relative difference of a page; infinite where a page was not filled.
        logits: The relative difference of the first token's logits.
        identical: Whether no bit differs.
    """

    computed: int
    kv: float
    logits: float
    identical: bool

    @property
    def worst(self) -> float:
        """The larger one."""
        return max(self.kv, self.logits)


@dataclass(frozen=True)
class Reference:
    """What plain prefill made of a prompt: pages of its prefix, in order, and the logits of the first token."""

    pages: tuple[Tensor, ...]
    logits: Tensor


def keep(engine: Engine, prompt: Prompt) -> Served:
    """Compute a prompt plainly, in full steps, and keep its prefix in its rows."""
    served = Filling(engine, prompt, None, Mode.COMPUTE_ONLY).serve()
    for page, row in zip(prompt.table.pages, prompt.rows, strict=False):
        engine.pool.save(page, row)
    return served


def stored(engine: Engine, prompt: Prompt) -> Reference:
    """Keep a prompt, and what there is to compare others with."""
    served = keep(engine, prompt)
    pages = [engine.pool.page(number).clone() for number in prompt.table.pages[: prompt.chunks]]
    return Reference(tuple(pages), served.logits.clone())


def compare(engine: Engine, prompt: Prompt, reference: Reference, served_logits: Tensor, computed: int) -> Difference:
    """What is in the pool now, beside what plain prefill made."""
    found = [engine.pool.page(number) for number in prompt.table.pages[: prompt.chunks]]
    pairs = [*zip(found, reference.pages, strict=True), (served_logits, reference.logits)]
    *kv, logits = [_relative(one, other) for one, other in pairs]
    return Difference(computed, max(kv), logits, all(torch.equal(one, other) for one, other in pairs))


def trial(engine: Engine, prompt: Prompt, reference: Reference, seed: int) -> Difference:
    """Serve a prompt whose loads come as they like, over pages that show whatever is not written."""
    draw = Random(seed)
    pages = draw.sample(range(engine.pool.pages), len(prompt.table.pages)) if seed % 2 else prompt.table.pages
    table = PageTable(pages, prompt.table.page_tokens, engine.device.place)
    request = Prompt(prompt.tokens, prompt.prefix, table, prompt.rows)
    engine.pool.poison()
    mode = draw.choice((Mode.ADAPTIVE, Mode.STATIC, Mode.LOAD_ONLY))
    served = Filling(engine, request, Erratic(seed), mode, draw.random()).serve()
    return compare(engine, request, reference, served.logits, served.outcome.computed)


def measure(bench: Bench, trials: int) -> Figures:
    """How far KV and logits were from plain prefill's: with steps of one chunk, and with the engine's own steps."""
    figures: Figures = {"trials": float(2 * trials), "bound": BOUNDS[bench.device.dtype]}
    longest = min(bench.longest, _CHUNKS * bench.sizes.page_tokens)
    for name, step_tokens in (("aligned", bench.sizes.page_tokens), ("ragged", bench.sizes.step_tokens)):
        engine = Engine(bench.device, bench.model, bench.pool, step_tokens)
        prompt = bench.prompt(longest)
        reference = stored(engine, prompt)
        found = [trial(engine, prompt, reference, seed) for seed in range(trials)]
        figures |= {
            f"{name}_meetings": float(len({one.computed for one in found})),
            f"{name}_identical": sum(one.identical for one in found) / trials,
            f"{name}_worst": min(_WRONG, max(one.worst for one in found)),
            f"{name}_wrong": float(sum(not one.worst < BOUNDS[bench.device.dtype] for one in found)),
        }
    bench.store()
    return figures


def _relative(found: Tensor, expected: Tensor) -> float:
    difference = float((found.float() - expected.float()).norm() / expected.float().norm())
    return difference if difference < float("inf") else float("inf")
