"""TTFT of one cell: computing all, loading all, Cake, and the best that was possible with the same run's own times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.core.paper import GIBI_PER_GBPS
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.exactness import BOUNDS
from benchmarks.gpu.filling import ID, Filling, Prompt, Served
from benchmarks.gpu.sources import FileTier, PooledSource, paced
from benchmarks.journal import Figures
from benchmarks.ttft.oracle import Prices, compute_curve
from benchmarks.ttft.records import Play
from cake_engine.config import Mode

MEMORY, FILE = "memory", "file"
"""Real tiers, uncapped: all in CPU memory, or in files of the local disk."""
_HOPELESS = 2.0
"""Loads that take so many times as long as computing are not waited for: loading all is not the better single there."""


@dataclass(frozen=True)
class Contest:
    """One cell.

    Attributes:
        tokens: Of the stored prefix.
        storage: MEMORY, FILE, or the bandwidth of the paper's storage, in its own (binary) Gbit a second.
        share: Of each step, for prefill; other requests decode in the rest.
        rounds: Of which the median counts.
        load_always: Whether all is loaded however long it takes, for a table of the paper.
    """

    model: str
    tokens: int
    storage: str | float
    share: float = 1.0
    rounds: int = 3
    load_always: bool = False

    @property
    def name(self) -> str:
        """As the command line and the page name it."""
        storage = self.storage if isinstance(self.storage, str) else f"{self.storage:g} Gbit"
        length = f"{self.tokens // 1024}K" if self.tokens % 1024 == 0 else str(self.tokens)
        return f"ttft/{self.model}/{length}/{storage}/{100 * self.share:g}%"


class Plains:
    """Plain computes, which all cells of one length and share have in common."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, float], list[Served]] = {}

    def of(self, bench: Bench, contest: Contest) -> list[Served]:
        """Some, played now where there are none; a first one is not counted."""
        key = (contest.model, contest.tokens, contest.share)
        if key not in self._known:
            prompt = bench.prompt(contest.tokens)
            played = [_play(bench, contest, prompt, None, Mode.COMPUTE_ONLY) for _ in range(contest.rounds + 1)]
            self._known[key] = played[1:]
        return self._known[key]


def measure(bench: Bench, contest: Contest, plains: Plains, folder: Path) -> Figures:
    """The figures of a cell."""
    plain, prompt = plains.of(bench, contest), bench.prompt(contest.tokens)
    compute = median(play.seconds for play in plain)
    with _storage(bench, contest, prompt, folder) as (source, chunk_load):
        prices = _prices(plain, prompt, chunk_load)
        loads = chunk_load * prompt.chunks
        hopeless = loads > _HOPELESS * compute and not contest.load_always
        _play(bench, contest, prompt, source, Mode.ADAPTIVE)  # to learn what its reads and steps take
        loaded, cake = [], []
        for _ in range(contest.rounds):
            if not hopeless:
                loaded.append(_play(bench, contest, prompt, source, Mode.LOAD_ONLY))
            cake.append(_play(bench, contest, prompt, source, Mode.ADAPTIVE))
    shown = sorted(cake, key=lambda play: play.seconds)[len(cake) // 2]
    load = median(play.seconds for play in loaded) if loaded else None
    better = min(compute, load or compute)
    wrong = sum(not _right(bench, play, plain[0]) for play in (*loaded, *cake))
    chunks = prompt.chunks
    return {
        "load_over_compute": loads / compute,
        "compute_seconds": compute,
        **({} if load is None else {"load_seconds": load}),
        "cake_seconds": shown.seconds,
        "oracle_seconds": prices.best(),
        "over_oracle": shown.seconds / prices.best(),
        "over_better": shown.seconds / better,
        "meeting_best": prices.best_split() / chunks,
        **({} if shown.predicted is None else {"meeting_predicted": shown.predicted / chunks}),
        "meeting_actual": shown.outcome.computed / chunks,
        "duplicated": float(shown.outcome.duplicated),
        **shown.phases.figures(),
        "wrong": float(wrong),
    }


def _play(bench: Bench, contest: Contest, prompt: Prompt, source: PooledSource | None, mode: Mode) -> Served:
    bench.pool.poison()
    return Filling(bench.engine(contest.share), prompt, source, mode).serve()


def _right(bench: Bench, play: Served, plain: Served) -> bool:
    difference = float((play.logits - plain.logits).norm() / plain.logits.norm())
    return difference < BOUNDS[bench.device.dtype]  # not a number is never less


def _prices(plain: list[Served], prompt: Prompt, chunk_load: float) -> Prices:
    plays = [
        Play(turn="", cell="", contender="", round=0, bandwidth=None, answers=(), steps=play.steps) for play in plain
    ]
    return Prices(
        compute=compute_curve(plays, ID, prompt.chunks, prompt.table.page_tokens),
        chunk_load=chunk_load,
        last_step=median(play.steps[-1].seconds for play in plain),
    )


@contextmanager
def _storage(
    bench: Bench, contest: Contest, prompt: Prompt, folder: Path
) -> Iterator[tuple[PooledSource | None, float]]:
    """Where the chunks are, and the seconds that one of them takes to the device at best."""
    size = bench.pool.page_bytes
    if contest.storage == MEMORY:
        yield None, _copied(bench, contest, prompt) / prompt.chunks
    elif contest.storage == FILE:
        tier = FileTier(folder, prompt.rows)
        try:
            tier.save()
            tier.source.seconds(list(range(prompt.chunks)))
            yield tier.source, tier.source.seconds(list(range(prompt.chunks))) / prompt.chunks
        finally:
            tier.close()
    else:
        rate = float(contest.storage) * GIBI_PER_GBPS
        source = paced(prompt.rows, rate)
        try:
            yield source, size / rate
        finally:
            source.close()


def _copied(bench: Bench, contest: Contest, prompt: Prompt) -> float:
    """Seconds that copies of all chunks take on their stream."""
    return _play(bench, contest, prompt, None, Mode.LOAD_ONLY).phases.copying
