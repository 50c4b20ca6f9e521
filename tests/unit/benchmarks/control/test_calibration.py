from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.control.calibration import Compared, compared, errors, fitted
from cake_simulator.device import Device

DEVICE = Device(base=0.1, token=0.001, slope=2e-7)


def cell(name: str, tokens: int, ratio: float, **modes: float) -> dict[str, Any]:
    """A cell of an engine that takes what the device does; a prompt is 16 tokens longer than what is stored."""
    alone = DEVICE.prefill(tokens, 512) + 0.1 + 16 * 0.001
    return {"name": name, "load_over_compute": ratio, "ttft_seconds": {"ComputeOnly": alone, **modes}}


def published(folder: Path) -> Path:
    first = cell("alone/2048/0.1", 2048, 0.1)
    first["ttft_seconds"]["LoadOnly"] = 0.1 * first["ttft_seconds"]["ComputeOnly"] + 0.1
    cells = [first, *(cell(f"alone/{tokens}/1", tokens, 1.0, Adaptive=2.0) for tokens in (1024, 4096))]
    cells += [
        cell("together/2048/1", 2048, 1.0, Adaptive=4.0),
        cell("queued/2048/1/prefetch=0", 2048, 1.0, Adaptive=4.0),
    ]
    path = folder / "ttft.json"
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_a_device_is_fitted_to_what_plain_compute_took(tmp_path: Path) -> None:
    found = fitted(json.loads(published(tmp_path).read_text())["cells"])
    assert found.base == pytest.approx(0.1)
    for tokens in (1024, 2048, 4096):
        assert found.prefill(tokens, 512) == pytest.approx(DEVICE.prefill(tokens, 512), rel=0.02)


def test_cells_alone_and_together_are_played_in_the_modes_that_the_engine_was_played_in(tmp_path: Path) -> None:
    found = {(one.cell, one.mode): one.simulated for one in compared(published(tmp_path))}
    assert set(found) == {
        ("alone/2048/0.1", "LoadOnly"),
        ("alone/4096/1", "Adaptive"),
        ("alone/1024/1", "Adaptive"),
        ("together/2048/1", "Adaptive"),
    }
    assert found["alone/2048/0.1", "LoadOnly"] == pytest.approx(0.1 * DEVICE.prefill(2048, 512) + 0.1, rel=0.15)
    assert found["alone/4096/1", "Adaptive"] < 0.7 * DEVICE.prefill(4096, 512)


def test_an_error_is_that_of_a_percentile_of_all_cells() -> None:
    found = [Compared("", "", 1.0 + n, 1.1 * (1.0 + n)) for n in range(10)]
    assert errors(found) == {50: pytest.approx(0.1), 90: pytest.approx(0.1)}
    found[8] = Compared("", "", 9.0, 9.0)
    assert errors(found)[90] == pytest.approx(0.0)
