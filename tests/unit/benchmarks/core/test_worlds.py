from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.core.cells import play
from benchmarks.core.oracle import possible
from benchmarks.core.paper import figure_4, figure_6, tables
from benchmarks.core.report import Run, write
from benchmarks.core.tier_queue import TierQueue
from benchmarks.core.worlds import Device, Pace, Tier, World


@pytest.mark.parametrize(
    ("start", "seconds", "end"),
    [(0, 5, 5), (0, 20, 40), (10, 5, 25), (25, 1, 28), (40, 10, 45), (0, 30, 45)],
)
def test_work_takes_as_long_as_the_factors_on_its_way_say(start: float, seconds: float, end: float) -> None:
    pace = Pace(((10, 3.0), (40, 0.5)))
    assert pace.finish(start, seconds) == pytest.approx(end)


def test_a_tier_serves_in_turn_and_pays_latency_once_for_reads_in_flight_together() -> None:
    queue: TierQueue[int] = TierQueue(Tier(0.1, latency=1.0, readers=4))
    for block in range(5):
        queue.ask(block, 0.0)
    assert [arrival.ended for arrival in queue.arrivals(10.0)] == pytest.approx([1.1, 1.2, 1.3, 1.4, 2.2])


def test_what_is_taken_back_is_not_read() -> None:
    queue: TierQueue[int] = TierQueue(Tier(1.0, readers=1))
    for block in range(3):
        queue.ask(block, 0.0)
    queue.next_arrival()
    queue.take_back(lambda block: block != 2)
    assert [arrival.item for arrival in queue.arrivals(10.0)] == [0, 2]


def test_the_oracle_of_equal_speeds_is_half_of_either() -> None:
    best = possible(World(64, {"near": Tier(0.032)}, Device(base=0.0)))
    assert (best.compute_only, best.load_only, best.oracle) == pytest.approx((2.048, 2.048, 1.024))
    assert best.meeting == 32


def test_the_papers_cells_have_the_papers_own_single_resources() -> None:
    for one in tables():
        paper = one.cell.over_compute / one.cell.over_load
        assert one.over_compute / one.over_load == pytest.approx(paper, rel=0.01)
        assert one.over_better >= 0.99


def test_the_page_is_written_with_every_cell_on_it(tmp_path: Path) -> None:
    cells = play(2)
    write(Run(cells, tables(), figure_4(), figure_6(), "a machine", "a command", 1.0), tmp_path)
    page = (tmp_path / "core.md").read_text()
    assert all(f"| {cell.name} |" in page for cell in cells)
    assert json.loads((tmp_path / "core.json").read_text())["requests"] == 2 * len(cells)
    assert (tmp_path / "core.svg").read_text().startswith("<?xml")
