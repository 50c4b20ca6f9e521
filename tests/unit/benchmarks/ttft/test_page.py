import dataclasses
import datetime
import json
from pathlib import Path

import pytest

from benchmarks.ttft import charts, page, report
from benchmarks.ttft.findings import cell_finding
from benchmarks.ttft.grid import Cell, Contender, Situation
from benchmarks.ttft.journal import Header, Journal
from benchmarks.ttft.records import Reference
from tests.unit.benchmarks.ttft.plays import CELL, SCALE, answer, computed, play, split

NOW = datetime.datetime(2026, 11, 22, 20, tzinfo=datetime.UTC)


def found(tmp_path: Path, adaptive_ttft: float, tokens: tuple[int, ...] = (7,)) -> report.Found:
    journal = Journal(tmp_path / "run.jsonl", Header(repeats=1, engine="one"), resume=False)
    journal.add_scale(SCALE)
    journal.add_reference(Reference(prompt="p", tokens=(7,), margins=(2.0,)))
    journal.add_play(computed())
    journal.add_play(play(Contender.LOAD_ONLY, answer(8.5, split(0))))
    missed = computed()
    journal.add_play(play(Contender.ADAPTIVE, answer(adaptive_ttft, split(4, 0.5), tokens=tokens), steps=missed.steps))
    return report.findings(journal, [CELL], "python -m benchmarks.ttft", NOW)


def test_the_record_has_what_is_promised_of_it(tmp_path: Path) -> None:
    record = report.record(found(tmp_path, 4.5))
    promised = "geomean_vs_oracle p95_vs_oracle worst_vs_better geomean_vs_better_near_balance meeting_within_one_chunk"
    assert set(promised.split()) | {"wrong_tokens", "cells", "machine", "command", "date"} <= set(record)
    assert (record["geomean_vs_oracle"], record["wrong_tokens"]) == (1.0, 0)
    assert record["cells"][0]["ttft_seconds"] == {"ComputeOnly": 8.5, "LoadOnly": 8.5, "Adaptive": 4.5}


def test_the_page_is_whole_and_its_charts_exist(tmp_path: Path) -> None:
    report.write(found(tmp_path, 4.5), tmp_path)
    assert json.loads((tmp_path / "ttft.json").read_text())["cells"]
    text = (tmp_path / "ttft.md").read_text()
    assert "| alone/512/1 | 1.00 |" in text
    assert "None is." in text
    for chart in ("ttft-by-ratio.svg", "ttft-over-oracle.svg"):
        assert f"({chart})" in text
        assert (tmp_path / chart).read_text().startswith("<svg")


def test_the_same_run_gives_the_same_chart(tmp_path: Path) -> None:
    cells = found(tmp_path, 4.5).cells
    assert charts.over_oracle(cells) == charts.over_oracle(cells)


def test_a_cell_that_misses_is_listed_with_its_cause(tmp_path: Path) -> None:
    text = page.markdown(found(tmp_path, 8.5))
    missed = text[text.index("## Where a goal is missed") :]
    assert "| alone/512/1 | 1.89 | 1.00 | 4.00 |" in missed


def test_wrong_tokens_are_told_with_their_play(tmp_path: Path) -> None:
    wrong = found(tmp_path, 4.5, tokens=(8,))
    assert wrong.summary.wrong_tokens == 1
    assert wrong.wrong_plays == ["alone/512/1 Adaptive 0"]
    assert {goal.words: goal.met for goal in page.goals(wrong)}["wrong tokens"] is False


@pytest.mark.parametrize(
    ("figure", "bound", "at_most", "met"),
    [(1.0, 1.1, True, True), (1.2, 1.1, True, False), (1.2, 1.1, False, True), (None, 1.0, True, None)],
)
def test_a_goal_is_met_missed_or_not_measured(figure: float | None, bound: float, at_most: bool, met: bool | None):
    assert page.Goal("", figure, bound, at_most=at_most).met is met


def test_several_requests_have_no_single_cause(tmp_path: Path) -> None:
    cell = Cell(Situation.TOGETHER, CELL.tokens, 1.0)
    both = play(Contender.ADAPTIVE, answer(20.0, split(4)), answer(20.0, split(4), prompt="q"), cell=cell)
    finding = cell_finding(cell, [both], [computed(cell=cell)], SCALE)
    assert finding.loss is None
    shown = dataclasses.replace(found(tmp_path, 4.5), cells=[finding])
    assert "several requests share both ends" in page.markdown(shown)
