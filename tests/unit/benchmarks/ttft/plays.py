"""Plays made up by hand: a prefix of 8 chunks of 64 tokens, of which a step computes 4 in `pace` seconds each."""

from __future__ import annotations

from benchmarks.ttft.grid import Cell, Contender, Situation, Turn
from benchmarks.ttft.records import Answer, Play, Read, Scale, Split, Step, Work

CHUNK, CHUNKS, STEP, SUFFIX = 64, 8, 256, 16
TOKENS = CHUNK * CHUNKS
CELL = Cell(Situation.ALONE, TOKENS, 1.0)
SCALE = Scale(tokens=TOKENS, compute=8.0, last_step=0.5, chunk_bytes=10, chunk_tokens=CHUNK, uncapped=1000.0)
BANDWIDTH = 10.0
"""A chunk a second."""


def step(began: float, ended: float, *works: tuple[str, int, int], predicted: float | None = None) -> Step:
    prefill = tuple(Work(prompt=prompt, start=start, stop=stop) for prompt, start, stop in works)
    return Step(began=began, ended=ended, prefill=prefill, decoding=0, predicted=predicted)


def answer(
    ttft: float, split: Split | None = None, *, prompt: str = "p", arrived: float = 0.0, tokens: tuple[int, ...] = (7,)
) -> Answer:
    times = tuple(arrived + ttft for _ in tokens)
    return Answer(prompt=prompt, measured=True, arrived=arrived, tokens=tokens, times=times, split=split)


def split(computed: int, predicted: float | None = None, duplicated: int = 0, chunks: int = CHUNKS) -> Split:
    return Split(
        chunks=chunks,
        chunk_tokens=CHUNK,
        predicted=predicted,
        computed=computed,
        loaded=chunks - computed,
        duplicated=duplicated,
        lost=0,
        stalled=0.0,
    )


def play(
    contender: Contender,
    *answers: Answer,
    steps: tuple[Step, ...] = (),
    reads: tuple[Read, ...] = (),
    cell: Cell = CELL,
    round_: int = 0,
) -> Play:
    return Play(
        turn=Turn(cell, contender, round_).name,
        cell=cell.name,
        contender=contender,
        round=round_,
        bandwidth=None if contender is Contender.COMPUTE_ONLY else BANDWIDTH,
        answers=answers,
        steps=steps,
        reads=reads,
        asked=0.0 if reads else None,
        rate=None,
    )


def computed(seconds: float = 4.0, *, round_: int = 0, cell: Cell = CELL) -> Play:
    """Plain compute: two steps over the prefix of `seconds` each, and one of 0.5 s over the new text."""
    works = [("p", 0, STEP), ("p", STEP, TOKENS)]
    steps = [step(n * seconds, (n + 1) * seconds, work) for n, work in enumerate(works)]
    last = step(2 * seconds, 2 * seconds + 0.5, ("p", TOKENS, TOKENS + SUFFIX))
    filled = split(CHUNKS)
    return play(
        Contender.COMPUTE_ONLY,
        answer(last.ended, filled),
        steps=(*steps, last),
        cell=cell.group.computed,
        round_=round_,
    )
