"""What is measured on a GPU, and on a machine without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.cells import Cell
from benchmarks.gpu import contest, copies, curves, exactness
from benchmarks.gpu.bench import Benches, Sizes
from benchmarks.gpu.contest import FILE, MEMORY, Contest, Plains
from benchmarks.gpu.device import Device
from benchmarks.journal import Figures

K = 1024


@dataclass(frozen=True)
class Grid:
    """What is measured.

    Attributes:
        contests: Cells of TTFT, those of one model together.
        sizes: Of everything else.
        trials: Timings of loads under which KV is compared.
    """

    contests: Sequence[Contest]
    sizes: Sizes
    trials: int

    @property
    def longest(self) -> dict[str, int]:
        """By model, tokens of its longest prefix."""
        found: dict[str, int] = {}
        for one in self.contests:
            found[one.model] = max(found.get(one.model, 0), one.tokens)
        return found


GBITS = (7, 25, 32, 56, 100)
"""The paper's storage."""


def _on_gpu() -> list[Contest]:
    """Lengths at all bandwidths alone, then shares of compute at 16K; the paper's own cells are loaded in full."""
    made = []
    for model, lengths, paper in (
        ("llama-3.1-8b", (4 * K, 16 * K, 64 * K), (7, 32)),
        ("llama-2-13b", (4 * K, 16 * K, 32 * K), (7, 32, 100)),
        ("llama-2-7b", (4 * K, 16 * K, 64 * K), ()),
    ):
        for tokens in (16 * K, *(length for length in lengths if length != 16 * K)):
            rounds = 3 if tokens <= 16 * K else 2
            stores: tuple[str | float, ...] = (*GBITS, MEMORY, FILE) if tokens == 16 * K else (*GBITS, MEMORY)
            made += [
                Contest(model, tokens, store, 1.0, rounds, load_always=tokens == 16 * K and store in paper)
                for store in stores
            ]
        made += [Contest(model, 16 * K, gbit, share, 2) for share in (0.5, 0.125) for gbit in (7, 32, 100)]
    return made


_TINY_GBITS = (0.02, 0.1, 0.5)
"""At which loads of a tiny model take longer than, about as long as, and less than its compute on one core."""


def _on_processor() -> list[Contest]:
    made = [Contest("tiny", tokens, store) for tokens in (1 * K, 2 * K) for store in (*_TINY_GBITS, MEMORY, FILE)]
    return made + [Contest("tiny", 1 * K, 0.1, share) for share in (0.5, 0.125)]


GPU = Grid(_on_gpu(), Sizes(), trials=24)
PROCESSOR = Grid(
    _on_processor(),
    Sizes(64, 16, suffix=8, context=32, decoding=((4, 32), (16, 32), (4, 128), (16, 128)), file_bytes=64 << 20),
    trials=24,
)
QUICK = Grid(
    (Contest("tiny", 256, 0.1, rounds=1), Contest("tiny", 256, FILE, 0.5, rounds=1)),
    Sizes(64, 16, suffix=8, context=32, decoding=((2, 16), (4, 16), (2, 32)), file_bytes=1 << 20),
    trials=4,
)


def cells(grid: Grid, device: Device) -> list[Cell]:
    """All of a grid, models one after the other: whether they are right, what they cost, then the contests."""
    benches, plains = Benches(device, grid.sizes, grid.longest), Plains()
    made = []
    for model in grid.longest:
        made += [
            Cell(f"exact/{model}", partial(_exact, benches, model, grid.trials)),
            Cell(f"curve/{model}", partial(_curve, benches, model)),
            Cell(f"copies/{model}", partial(_copies, benches, model)),
        ]
        made += [Cell(one.name, partial(_contest, benches, one, plains)) for one in grid.contests if one.model == model]
    return made


def _exact(benches: Benches, model: str, trials: int, folder: Path) -> Figures:
    del folder
    return exactness.measure(benches.of(model), trials)


def _curve(benches: Benches, model: str, folder: Path) -> Figures:
    del folder
    return curves.measure(benches.of(model))


def _copies(benches: Benches, model: str, folder: Path) -> Figures:
    return copies.measure(benches.of(model), folder)


def _contest(benches: Benches, one: Contest, plains: Plains, folder: Path) -> Figures:
    return contest.measure(benches.of(one.model), one, plains, folder)
