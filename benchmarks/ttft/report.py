"""What a run found, and the files that say it: ttft.json, ttft.md and two charts."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.pages import machine
from benchmarks.ttft import charts, page
from benchmarks.ttft.decoding import Gaps, gaps
from benchmarks.ttft.findings import CellFinding, Summary, cell_finding, summarise, wrong_tokens
from benchmarks.ttft.grid import Cell, groups
from benchmarks.ttft.journal import Journal


@dataclass(frozen=True)
class Found:
    """Everything that the page says.

    Attributes:
        wrong_plays: Plays with wrong tokens.
        lmcache: Whether LMCache is in the environment.
    """

    cells: Sequence[CellFinding]
    summary: Summary
    gaps: Gaps | None
    wrong_plays: Sequence[str]
    machine: str
    command: str
    date: datetime
    repeats: int
    block_tokens: int
    lmcache: bool


def findings(journal: Journal, cells: Sequence[Cell], command: str, date: datetime) -> Found:
    """Judge a finished run."""
    played = {cell.name for cell in cells} | {cell.group.computed.name for cell in cells}
    plays = [play for play in journal.plays.values() if play.cell in played]
    block = next(iter(journal.scales.values())).chunk_tokens
    found = []
    for cell in cells:
        own = [play for play in plays if play.cell == cell.name]
        computed = [play for play in plays if play.cell == cell.group.computed.name]
        found.append(cell_finding(cell, own, computed, journal.scales[cell.tokens]))
    return Found(
        cells=found,
        summary=summarise(found, wrong_tokens(plays, journal.references), block),
        gaps=gaps(plays),
        wrong_plays=[p.turn for p in plays if wrong_tokens([p], journal.references)[0]],
        machine=machine(),
        command=command,
        date=date,
        repeats=max(p.round for p in plays) + 1,
        block_tokens=block,
        lmcache=importlib.util.find_spec("lmcache") is not None,
    )


def write(found: Found, folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ttft.json").write_text(json.dumps(record(found), indent=2) + "\n")
    (folder / "ttft.md").write_text(page.markdown(found))
    (folder / "ttft-by-ratio.svg").write_text(charts.by_ratio(found.cells, groups([f.cell for f in found.cells])))
    (folder / "ttft-over-oracle.svg").write_text(charts.over_oracle(found.cells))


def record(found: Found) -> dict[str, Any]:
    """The page as data."""
    return {
        **_rounded(dataclasses.asdict(found.summary)),
        "inter_token_p99_seconds": None if found.gaps is None else _rounded(dataclasses.asdict(found.gaps)),
        "cells": [_cell(finding) for finding in found.cells],
        "repeats": found.repeats,
        "machine": found.machine,
        "command": found.command,
        "date": found.date.isoformat(timespec="seconds"),
    }


def _cell(finding: CellFinding) -> dict[str, Any]:
    figures = {
        "name": finding.cell.name,
        "load_over_compute": finding.ratio,
        "ttft_seconds": dict(finding.ttft),
        "oracle_seconds": finding.oracle,
        "vs_oracle": finding.vs_oracle,
        "vs_better": finding.vs_better,
        "possible_vs_better": finding.possible,
        "meeting_best": finding.best_meeting,
        "meeting_predicted": finding.predicted,
        "meeting_actual": finding.actual,
        "duplicated": finding.duplicated,
        "stalled_seconds": finding.stalled,
        "read_rate_over_cap": finding.read_rate,
        "step_time_error": finding.step_error,
        "loss_seconds": None if finding.loss is None else dataclasses.asdict(finding.loss),
    }
    return _rounded(figures)


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, 4) if isinstance(value, float) else _rounded(value) if isinstance(value, dict) else value
        for key, value in figures.items()
    }
