"""What bench-store makes of its cells, and how it goes on."""

import json
from pathlib import Path

import pytest

from benchmarks.cells import Cell
from benchmarks.store.cells import cells
from benchmarks.store.report import GOALS, Run, page, write

THROUGHPUT = {
    "read_vs_device": 0.8,
    "write_vs_device": 0.9,
    "direct": 1.0,
    "tier_read_bytes_per_second": 8e8,
    "tier_write_bytes_per_second": 9e8,
    "device_read_bytes_per_second": 1e9,
    "device_write_bytes_per_second": 1e9,
}
FILES = {
    "files": 1000.0,
    "made_seconds": 1.0,
    "lookup_p99_ms": 1.5,
    "lookup_first_p99_ms": 9.0,
    "bytes_per_block": 90.0,
    "gc_count_seconds_per_million": 10.0,
    "gc_remove_seconds_per_million": 30.0,
}
FIGURES = {
    "throughput/1 MiB/4 threads": THROUGHPUT,
    "throughput/4 MiB/4 threads": THROUGHPUT | {"read_vs_device": 0.2},
    "writing": {"read_slowdown_uncapped": 3.0, "read_slowdown_capped": 1.2},
    "files/1000": FILES,
    "files/9000": FILES | {"files": 9000.0, "lookup_p99_ms": 1.9},
    "codec/Raw": {"ratio": 1.0, "encode_bytes_per_second": 5e9, "decode_bytes_per_second": 5e9},
    "capacity": {"capacity_overshoot": 0.0, "fullest": 1.0, "looks": 50.0},
    "crashes": {"crash_points": 300.0, "crash_calls": 125.0, "blocks_verified": 2000.0},
    "damage": {
        **{"flips": 10_000.0, "cuts": 1000.0, "zeroed": 1000.0},
        **{"undetected_flips": 0.0, "undetected_cuts": 0.0, "undetected_zeros": 0.0},
    },
}


def run(**changed: dict[str, float]) -> Run:
    return Run(FIGURES | changed, "a machine", "a command", "2026-01-01")


def test_each_goal_has_a_value_from_the_cells_that_it_is_about() -> None:
    found = run().summary()

    assert found.keys() == {goal.figure for goal in GOALS}
    assert found["read_vs_device"] == pytest.approx(0.4)  # the geometric mean
    assert found["lookup_p99_ms"] == 1.9  # of the most files


def test_a_disk_that_is_slow_is_no_broken_promise_and_a_flipped_bit_is() -> None:
    assert run().broken() == []
    damaged = FIGURES["damage"] | {"undetected_flips": 1.0}

    assert run(damage=damaged).broken() == ["Flipped bits that reached memory"]


def test_the_page_names_what_was_missed_and_the_figures_stand_beside_it(tmp_path: Path) -> None:
    write(run(), tmp_path)

    rows = [line for line in (tmp_path / "store.md").read_text().splitlines() if "**no**" in line]
    assert [row.split("|")[1].strip().split(",")[0] for row in rows] == ["Tier reads over direct reads of the disk"]
    assert json.loads((tmp_path / "store.json").read_text())["undetected_flips"] == 0
    assert (tmp_path / "store.svg").read_text().count("<svg") == 1


def test_a_part_of_the_cells_makes_a_page_of_that_part() -> None:
    assert "## Goals" in page(Run({"capacity": FIGURES["capacity"]}, "m", "c", "d"))


def test_cells_of_both_sizes_are_of_the_same_kinds_and_have_names_of_their_own() -> None:
    whole, quick = cells(quick=False), cells(quick=True)

    assert {cell.kind for cell in whole} == {cell.kind for cell in quick} == {name.split("/")[0] for name in FIGURES}
    assert len({cell.name for cell in whole}) == len(whole)
    assert all(isinstance(cell, Cell) for cell in whole)
