"""What is played: cells of situation, stored tokens and load/compute ratio, and the modes in each. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cake_engine.config import Mode

STEP_TOKENS = 512
"""Tokens of one engine step: vLLM's token budget, and the paper's compute chunk."""
SUFFIX_TOKENS = 16
"""New text after the stored prefix: less than one block, so that no store changes from play to play."""
TOGETHER = 4
"""Requests that arrive at once."""
DECODERS = 2
"""Requests that decode while another one's prefix is filled."""


class Situation(StrEnum):
    """What else the engine does when a request with a stored prefix arrives."""

    ALONE = "alone"
    DECODING = "decoding"
    """Other requests are decoding."""
    TOGETHER = "together"
    """Other requests with stored prefixes arrive at the same moment."""
    QUEUED = "queued"
    """Another request's new text takes the whole token budget first."""


class Contender(StrEnum):
    """What is compared."""

    COMPUTE_ONLY = "ComputeOnly"
    LOAD_ONLY = "LoadOnly"
    ADAPTIVE = "Adaptive"
    VLLM_TIERING = "vLLM tiering"
    """vLLM's own offloading connector and scheduler over our tier and CPU worker: it loads all, then computes."""

    @property
    def mode(self) -> Mode | None:
        """Cake's mode; None for an engine without Cake's schedule."""
        return None if self is Contender.VLLM_TIERING else Mode(self.value)


@dataclass(frozen=True, order=True)
class Cell:
    """One point of the grid.

    Attributes:
        tokens: Stored prefix of each request.
        ratio: Time to load the prefix over the time to compute it, by the tier's bandwidth cap.
        prefetch_share: Share of the memory tier for loads of requests that still wait; None where nothing waits.
    """

    situation: Situation
    tokens: int
    ratio: float
    prefetch_share: float | None = None

    @property
    def name(self) -> str:
        """As the command line, the page and the record name it: situation/tokens/ratio."""
        prefetch = "" if self.prefetch_share is None else f"/prefetch={self.prefetch_share:g}"
        return f"{self.situation}/{self.tokens}/{self.ratio:g}{prefetch}"

    @property
    def group(self) -> Group:
        """The cells whose plain compute is the same."""
        return Group(self.situation, self.tokens)


@dataclass(frozen=True, order=True)
class Group:
    """Cells that differ in their loads alone, and so have their plain compute in common."""

    situation: Situation
    tokens: int

    @property
    def computed(self) -> Cell:
        """The cell without loads, which stands for the whole group's plain compute."""
        return Cell(self.situation, self.tokens, 0.0)


@dataclass(frozen=True)
class Turn:
    """One contender's play of one cell in one round."""

    cell: Cell
    contender: Contender
    round: int

    @property
    def name(self) -> str:
        """Unique in a run."""
        return f"{self.cell.name} {self.contender} {self.round}"


def _cells(situation: Situation, tokens: int, ratios: Sequence[float]) -> list[Cell]:
    shares: Sequence[float | None] = (0.5, 0.0) if situation is Situation.QUEUED else (None,)
    return [Cell(situation, tokens, ratio, share) for ratio in ratios for share in shares]


FULL: tuple[Cell, ...] = (
    *_cells(Situation.ALONE, 2048, (0.1, 0.25, 0.5, 1, 2, 4, 8)),
    *_cells(Situation.ALONE, 4096, (0.1, 0.25, 0.5, 1, 2, 4, 8)),
    *_cells(Situation.ALONE, 8192, (0.5, 1, 2)),
    *_cells(Situation.DECODING, 2048, (0.1, 0.5, 1, 2, 4)),
    *_cells(Situation.TOGETHER, 2048, (0.1, 0.5, 1, 2)),
    *_cells(Situation.QUEUED, 2048, (0.5, 1, 2)),
)
QUICK: tuple[Cell, ...] = (
    *_cells(Situation.ALONE, 2048, (0.5, 1, 2)),
    *_cells(Situation.DECODING, 2048, (1,)),
    *_cells(Situation.TOGETHER, 2048, (1,)),
    *_cells(Situation.QUEUED, 2048, (1,)),
)


def matching(cells: Sequence[Cell], pattern: str) -> tuple[Cell, ...]:
    """The cells in whose name the regular expression is found."""
    return tuple(cell for cell in cells if re.search(pattern, cell.name))


def groups(cells: Sequence[Cell]) -> list[Group]:
    """The groups of these cells, in their order."""
    return list(dict.fromkeys(cell.group for cell in cells))


def contenders(cell: Cell, round_: int) -> list[Contender]:
    """Who plays a cell in a round, beside the ComputeOnly of its group.

    LoadOnly is left out where its loads alone take more than twice as long as computing everything: it cannot be the
    better single resource there, and it would take the most time by far. vLLM's tiering is a reference, played once.
    """
    chosen = [Contender.LOAD_ONLY] if cell.ratio <= (2 if cell.tokens <= 2048 else 1) else []
    chosen.append(Contender.ADAPTIVE)
    if round_ == 0 and cell.situation is Situation.ALONE and cell.ratio <= 1:
        chosen.append(Contender.VLLM_TIERING)
    return chosen


def turns(cells: Sequence[Cell], repeats: int) -> list[Turn]:
    """Everything that is played, in its order.

    Within a group the rounds are outermost, so that the modes that are compared follow each other closely; within a
    round the caps fall, as an engine has to see some loads before it knows that a cap was raised.
    """
    order = []
    for group in groups(cells):
        members = sorted(cell for cell in cells if cell.group == group)
        for round_ in range(repeats):
            order.append(Turn(group.computed, Contender.COMPUTE_ONLY, round_))
            order += [Turn(cell, contender, round_) for cell in members for contender in contenders(cell, round_)]
    return order
