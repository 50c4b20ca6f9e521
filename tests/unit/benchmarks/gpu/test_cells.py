"""Every measurement once, as small as it gets: that it can be made and says what the page asks of it."""

from pathlib import Path

import pytest

from benchmarks.gpu.cells import QUICK, cells
from benchmarks.gpu.device import Processor
from tests.unit.benchmarks.gpu.test_figures import COPIES, CURVE, EXACT, TTFT


@pytest.mark.parametrize(("kind", "figures"), [("exact", EXACT), ("curve", CURVE), ("copies", COPIES), ("ttft", TTFT)])
def test_a_cell_of_each_kind_finds_the_figures_that_the_page_shows(
    device: Processor, tmp_path: Path, kind: str, figures: dict[str, float]
) -> None:
    cell = next(cell for cell in cells(QUICK, device) if cell.kind == kind)

    found = cell.measure(tmp_path)

    optional = {
        name for name in figures if name.startswith("chunk_at_") or name in ("load_seconds", "meeting_predicted")
    }
    assert figures.keys() - optional <= found.keys()
    assert found.get("wrong", 0) == found.get("aligned_wrong", 0) == found.get("ragged_wrong", 0) == 0
