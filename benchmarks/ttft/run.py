"""The run, from first to last: engines up, references and caps, all turns in order, each kept as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.ttft.grid import Cell, Contender, Group, Situation, Turn, groups, turns
from benchmarks.ttft.journal import Journal
from benchmarks.ttft.processes import EngineProcess
from benchmarks.ttft.prompts import Cast, Library, Prompt


@dataclass(frozen=True)
class Engines:
    """The two engines; they share what is stored."""

    cake: EngineProcess
    vllm: EngineProcess

    def of(self, contender: Contender) -> EngineProcess:
        """The one that plays this contender."""
        return self.vllm if contender.mode is None else self.cake


def run(cells: Sequence[Cell], repeats: int, journal: Journal, *, model: Path, folder: Path, console: Console) -> None:
    """Play everything that the journal does not hold yet.

    Args:
        cells: What to play.
        repeats: Rounds of each cell.
        journal: Where results are kept.
        model: Folder of the model.
        folder: For stored blocks and logs; gone after the run.
        console: For the progress bar.
    """
    order = turns(cells, repeats)
    missing = [turn for turn in order if turn.name not in journal.plays]
    if not missing:
        return
    columns = (TextColumn("{task.description:44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, console=console) as progress,
        EngineProcess("vllm", model, folder, cake=False) as vllm,
        EngineProcess("cake", model, folder, cake=True) as cake,
    ):
        task = progress.add_task("engines start", total=len(order), completed=len(order) - len(missing))
        performance = Performance(Engines(cake, vllm), Library(model), journal)
        for group in groups([turn.cell for turn in missing]):
            progress.update(task, description=f"{group.situation}, {group.tokens} tokens: plain compute")
            performance.prepare(group)
            for turn in (turn for turn in missing if turn.cell.group == group):
                progress.update(task, description=f"{turn.cell.name} {turn.contender}")
                performance.play(turn)
                progress.advance(task)


class Performance:
    """Prepares what turns need, once, and plays them."""

    def __init__(self, engines: Engines, library: Library, journal: Journal) -> None:
        """Nothing is played yet.

        Args:
            engines: Both of them.
            library: For prompts.
            journal: Where results are kept.
        """
        self._engines = engines
        self._library = library
        self._journal = journal
        self._prompts: dict[str, Prompt] = {}
        self._casts: dict[Group, Cast] = {}

    def prepare(self, group: Group) -> None:
        """Have plain compute answer the group's prompts, which stores their prefixes, and scale its length."""
        measured = tuple(self._refer(candidates) for candidates in self._library.measured(group))
        background = tuple(self._refer([prompt]) for prompt in self._library.background(group))
        self._casts[group] = Cast(measured, background)
        if group.tokens not in self._journal.scales:
            alone = self._casts[group] if group.situation is Situation.ALONE else Cast(measured[:1], ())
            self._journal.add_scale(self._engines.cake.call("scale", alone))

    def play(self, turn: Turn) -> None:
        """Play a turn and keep it."""
        scale = self._journal.scales[turn.cell.tokens]
        bandwidth = None if turn.contender is Contender.COMPUTE_ONLY else scale.bandwidth(turn.cell.ratio)
        engine = self._engines.of(turn.contender)
        self._journal.add_play(engine.call("play", turn, self._casts[turn.cell.group], bandwidth))

    def _refer(self, candidates: list[Prompt]) -> Prompt:
        name = candidates[0].name
        if name not in self._prompts:
            self._prompts[name], reference = self._engines.vllm.call("refer", candidates)
            self._journal.add_reference(reference)
        return self._prompts[name]
