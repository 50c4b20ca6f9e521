"""Figures and tables of the paper, as cells: what the plan makes of the same costs, beside the paper's own numbers.

The paper (arXiv 2410.03065) simulates loads as size over bandwidth and reports speed-ups over loading all and over
computing all. From a pair of speed-ups and the time of loading all follows the time of computing all: it is the load
time times (over compute) / (over load). How that time is spread over positions is printed for Figure 4 alone; for the
other tables it is assumed to rise as there, from 40 to 112 over 65 chunks of 512 tokens. What a table leaves open is
named in `unknown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.core.oracle import possible
from benchmarks.core.virtual_clock import Knowledge, Prompt, run, serve
from benchmarks.core.worlds import Device, Tier, World

CHUNK = 512
LOAD_CHUNK = 128
PROMPT = 16384
GIBI_PER_GBPS = 2**30 / 8
"""The paper's Gbps are binary: 32 Gbps bring a 256 MiB chunk in 62.5 ms."""
KIB = 1024
RISE = (112 - 40) / 40 / (65 * CHUNK)
"""Figure 4, A100: how much longer a token takes for each position, relative to position 0."""


@dataclass(frozen=True)
class PaperCell:
    """A pair of speed-ups.

    Attributes:
        where: Table or figure.
        what: The setting.
        kib_per_token: KV cache of a token.
        gbps: Bandwidth of the storage.
        over_load: The paper's speed-up over loading all.
        over_compute: The paper's speed-up over computing all.
        unknown: What the paper's numbers leave open here.
    """

    where: str
    what: str
    kib_per_token: float
    gbps: float
    over_load: float
    over_compute: float
    unknown: str = "how compute rises with position"


CELLS = (
    PaperCell("Table 3", "13B, A100, 32 Gbps", 800, 32, 2.00, 1.91),
    PaperCell("Table 3", "13B, H100, 32 Gbps", 800, 32, 2.40, 1.75),
    PaperCell("Table 3", "13B, 2xA100, 32 Gbps", 800, 32, 2.63, 1.59),
    PaperCell("Table 3", "13B, 2xA100, 7 Gbps", 800, 7, 8.10, 1.10),
    PaperCell("Table 3", "13B, 2xA100, 100 Gbps", 800, 100, 1.54, 2.64),
    PaperCell("Table 5", "Llama-8B (GQA), 7 Gbps", 128, 7, 2.81, 1.52, "the GPU; how compute rises with position"),
    PaperCell("Table 5", "Llama-8B (GQA), 32 Gbps", 128, 32, 1.37, 3.18, "the GPU; how compute rises with position"),
    PaperCell("Table 5", "Llama-70B (GQA), GPU 12.5% free, 32 Gbps", 320, 32, 0.80, 44.26, "the GPU; compute's rise"),
    PaperCell("Table 6", "13B, 2xA100, 32 Gbps, 16 bit", 800, 32, 2.63, 1.59),
    PaperCell("Table 6", "13B, 2xA100, 32 Gbps, 8 bit", 400, 32, 1.85, 2.12, "the time to dequantise; compute's rise"),
    PaperCell("Table 6", "13B, 2xA100, 32 Gbps, 3 bit", 150, 32, 1.37, 3.73, "the time to dequantise; compute's rise"),
)


@dataclass(frozen=True)
class Beside:
    """A cell of the paper with ours beside it: speed-ups over loading all and over computing all."""

    cell: PaperCell
    over_load: float
    over_compute: float
    over_oracle: float

    @property
    def over_better(self) -> float:
        """Ours over the better single resource."""
        return min(self.over_load, self.over_compute)

    @property
    def paper_over_better(self) -> float:
        """The paper's over the better single resource."""
        return min(self.cell.over_load, self.cell.over_compute)


def tables() -> list[Beside]:
    """Every cell, with costs learned from 20 steps and 20 reads before."""
    return [_beside(cell) for cell in CELLS]


def _beside(cell: PaperCell) -> Beside:
    chunk_seconds = LOAD_CHUNK * cell.kib_per_token * KIB / (cell.gbps * GIBI_PER_GBPS)
    chunks = PROMPT // LOAD_CHUNK
    compute_all = chunks * chunk_seconds * cell.over_compute / cell.over_load
    token = compute_all / (PROMPT * (1 + RISE * PROMPT / 2))
    world = World(
        chunks,
        {"storage": Tier(chunk_seconds)},
        Device(base=0.0, token=token, slope=token * RISE),
        chunk_tokens=LOAD_CHUNK,
        step_tokens=CHUNK,
    )
    best, seconds = possible(world), run(world, knowledge=Knowledge.TAUGHT).seconds
    return Beside(cell, best.load_only / seconds, best.compute_only / seconds, seconds / best.oracle)


@dataclass(frozen=True)
class Figure4:
    """Where compute and loads meet on the curves of Figure 4, in chunks of 512 tokens of 65."""

    gpu: str
    first_ms: float
    last_ms: float
    meeting: float
    seconds: float
    compute_only: float
    load_only: float


def figure_4() -> list[Figure4]:
    """The curves that the paper prints: compute from 40 to 112 ms and 27 to 94 ms, loads flat at 62 ms."""
    return [_figure_4("A100", 40, 112), _figure_4("H100", 27, 94)]


def _figure_4(gpu: str, first: float, last: float) -> Figure4:
    token = first / 1000 / CHUNK
    slope = (last - first) / first * token / (64 * CHUNK)
    parts = CHUNK // LOAD_CHUNK
    world = World(
        65 * parts,
        {"storage": Tier(0.062 / parts)},
        Device(base=0.0, token=token - slope * CHUNK / 2, slope=slope),
        chunk_tokens=LOAD_CHUNK,
        step_tokens=CHUNK,
    )
    best, served = possible(world), run(world, knowledge=Knowledge.TAUGHT)
    computed = served.outcome.computed if served.outcome else 0
    return Figure4(gpu, first, last, computed / parts, served.seconds, best.compute_only, best.load_only)


@dataclass(frozen=True)
class Figure6:
    """Mean time to the first token of a long stored prompt and 22 short new ones, by the order of tokens in a step."""

    first_come: float
    prefix_last: float
    paper: tuple[float, float] = (1.5, 1.19)


SHORT = 22
SHORT_TOKENS = 256
SHORT_EVERY = 0.05


def figure_6() -> Figure6:
    """A 16K request and 22 short ones.

    The paper says how many and how long the long one is. Assumed are: the A100 curve of Figure 4, loads of 62 ms for
    512 tokens, short prompts of 256 tokens, one every 50 ms from the start of the long one.
    """
    token = 0.040 / CHUNK
    device = Device(base=0.002, token=token, slope=token * RISE)
    world = World(
        PROMPT // LOAD_CHUNK,
        {"storage": Tier(0.062 * LOAD_CHUNK / CHUNK)},
        device,
        chunk_tokens=LOAD_CHUNK,
        step_tokens=CHUNK,
    )
    prompts = [Prompt(), *(Prompt(SHORT_EVERY * n, stored=False, new=SHORT_TOKENS) for n in range(1, SHORT + 1))]
    return Figure6(_mean(world, prompts, prefix_last=False), _mean(world, prompts, prefix_last=True))


def _mean(world: World, prompts: Sequence[Prompt], *, prefix_last: bool) -> float:
    served = serve(world, prompts, knowledge=Knowledge.TAUGHT, prefix_last=prefix_last)
    return sum(one.seconds for one in served) / len(served)
