"""What bench-operator makes of its cells."""

import json
from pathlib import Path

import pytest

from benchmarks.operator.cells import SIZES, cells
from benchmarks.operator.report import GOALS, GROWTH, Run, faults_found, page, tell_of_faults, write

FLEET = dict.fromkeys(GROWTH, 0.01)
FIGURES = {
    "fleet/10": FLEET | {"size": 10.0},
    "fleet/1000": FLEET | {"size": 1000.0, "burst_cpu_ms_per_change": 9.0, "resync_s": 3.0},
    "fleet/5000": FLEET | {"size": 5000.0, "rss_mb": 400.0},
    "takeover/100": {
        **{"size": 100.0, "rounds": 3.0, "takeover_wrong": 0.0},
        **{"takeover_first_write_s": 11.0, "takeover_s": 13.0, "takeover_slowest_s": 14.0},
    },
    "pods/500": {
        **{"size": 500.0, "pods": 2000.0, "ready_s": 90.0, "changed_s": 30.0},
        **{"unlike_plan": 0.0, "extra_writes": 0.0, "stirred_statuses": 0.0, "dips": 0.0},
    },
}
FAULTS = {"fault_runs": 200.0, "fault_failures": 0.0}


def run(*names: str, faults: dict[str, float] = FAULTS) -> Run:
    return Run({name: FIGURES[name] for name in names or FIGURES}, "a machine", "a command", "2026-01-01", faults)


def test_goals_are_judged_at_a_thousand_even_where_more_was_measured() -> None:
    found = run().summary()

    assert found.keys() >= {goal.figure for goal in GOALS} - {"idle_writes", "restart_writes"}
    assert (found["cpu_ms_per_change"], found["resync_s"], found["rss_mb"]) == (9.0, 3.0, 0.01)


def test_the_page_names_what_was_missed_and_shows_every_size() -> None:
    lines = page(run()).splitlines()

    assert [line.split("|")[1].strip() for line in lines if "**no**" in line] == [
        "Writes at rest, looks at everything among it",
        "One look at everything with nothing to do, s",
        "Writes of restarts",
    ]
    assert "| CakeDeployments | 10 | 1,000 | 5,000 |" in lines
    assert "| memory, MiB | 0.01 | 0.01 | 400 |" in lines


@pytest.mark.parametrize("part", FIGURES)
def test_a_part_of_the_cells_makes_a_page_of_that_part(part: str) -> None:
    assert "## Goals" in page(run(part, faults={}))


def test_the_document_has_every_figure_that_is_watched_and_its_growth(tmp_path: Path) -> None:
    write(run(), tmp_path)
    document = json.loads((tmp_path / "operator.json").read_text())

    assert document.keys() >= {
        *("idle_writes", "apply_p50_s", "apply_p99_s", "cpu_ms_per_change", "rss_mb", "idle_cores"),
        *("restart_s", "drift_p99_s", "takeover_s", "fault_runs", "fault_failures", "growth"),
    }
    assert document["growth"]["rss_mb"] == {"10": 0.01, "1000": 0.01, "5000": 400.0}


def test_faults_are_told_of_once_they_were_run(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    assert faults_found(path) == {}
    path.write_text(json.dumps({**FAULTS, "rows": []}))
    assert faults_found(path) == FAULTS


def test_quick_cells_are_of_the_same_kinds_and_all_have_names_of_their_own() -> None:
    whole, quick = cells(SIZES, quick=False), cells([10], quick=True)

    assert {cell.kind for cell in whole} == {cell.kind for cell in quick} == {name.split("/")[0] for name in FIGURES}
    assert len({cell.name for cell in whole}) == len(whole)


def test_what_the_faults_found_comes_to_a_page_that_was_there_before(tmp_path: Path) -> None:
    write(run(faults={}), tmp_path)
    before = json.loads((tmp_path / "operator.json").read_text())
    (tmp_path / "faults.json").write_text(json.dumps(FAULTS | {"faults": {}}))
    tell_of_faults(tmp_path)

    assert json.loads((tmp_path / "operator.json").read_text()) == before | FAULTS
    assert "[the table](faults.md)" in (tmp_path / "operator.md").read_text()


def test_faults_alone_make_no_page_of_the_operator(tmp_path: Path) -> None:
    tell_of_faults(tmp_path)
    assert not list(tmp_path.iterdir())
