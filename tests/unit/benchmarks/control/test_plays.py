"""Plays of a comparison: each once, also when the comparison was interrupted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.control.plays import Plays
from benchmarks.journal import Journal


@dataclass(frozen=True)
class Told:
    """What a play came to."""

    at: Sequence[float]
    last: float | None = None


def play(chosen: tuple[Path, float]) -> Told:
    path, at = chosen
    with path.open("a") as lines:
        lines.write(f"{at}\n")
    if at < 0:
        raise ValueError(at)
    return Told((at, math.inf), at or None)


def played(path: Path) -> list[float]:
    return sorted(float(line) for line in path.read_text().split())


def test_a_comparison_that_was_interrupted_plays_only_what_it_has_not(tmp_path: Path) -> None:
    journal, path = tmp_path / "plays.jsonl", tmp_path / "played"
    with pytest.raises(ValueError, match="-1"), Plays(Journal(journal, "code", resume=False), 1) as plays:  # noqa: PT012 - two calls, the second of which is interrupted
        first = plays.all(play, [(path, 1.0), (path, 0.0)])
        plays.all(play, [(path, 2.0), (path, -1.0), (path, 3.0)])

    with Plays(Journal(journal, "code", resume=True), 1) as plays:
        again = plays.all(play, [(path, at) for at in (3.0, 1.0, 2.0, 0.0)])
        assert plays.seconds > 0

    assert played(path).count(1.0) == played(path).count(2.0) == 1
    assert [one.at[0] for one in again] == [3.0, 1.0, 2.0, 0.0]
    assert [again[1], again[3]] == [Told([1.0, math.inf], 1.0), Told([0.0, math.inf])]
    assert [one.last for one in first] == [1.0, None]
