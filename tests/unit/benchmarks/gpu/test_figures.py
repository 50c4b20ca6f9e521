"""What bench-gpu makes of what it measures: lines, weights, profiles, goals and the page."""

import json
from pathlib import Path

import pytest
import yaml

from benchmarks.gpu.cells import GPU, PROCESSOR, QUICK, cells
from benchmarks.gpu.contest import Contest
from benchmarks.gpu.curves import Line, weights
from benchmarks.gpu.device import Processor
from benchmarks.gpu.report import Run, page, write
from benchmarks.gpu.shapes import SHAPES
from benchmarks.journal import Figures
from cake_simulator import hardware

K = 1024
EXACT = {
    **{"trials": 48.0, "bound": 1e-5},
    **{"aligned_meetings": 9.0, "aligned_identical": 1.0, "aligned_worst": 0.0, "aligned_wrong": 0.0},
    **{"ragged_meetings": 9.0, "ragged_identical": 0.5, "ragged_worst": 3e-7, "ragged_wrong": 0.0},
}
CURVE = {
    **{"first_chunk_seconds": 0.02, "last_chunk_seconds": 0.05, "last_position": 512.0},
    **{"line_mean_error": 0.01, "line_worst_error": 0.03, "linear_flops_per_second": 5e14, "launch_seconds": 3e-3},
    **{"base": 0.005, "token": 3e-5, "slope": 2e-9, "decode": 2e-5, "context": 3e-8, "attention_kernel": 0.0},
    **{"kv_bytes_per_token": 131072.0, "kv_memory_bytes": 8e10, "chunk_at_0": 0.02, "chunk_at_512": 0.05},
}
COPIES = {
    **{"host_to_device_bytes_per_second": 5e10, "file_bytes_per_second": 2e9, "file_write_bytes_per_second": 1e9},
    **{"rows_bytes_per_second": 5.4e10, "unpinned_bytes_per_second": 9e9},
    **{"file_direct": 1.0, "file_slowdown_by_copies": 1.1, "copy_slowdown_by_files": 1.2},
    **{"prefill_slowdown_by_copies": 1.01, "copy_slowdown_by_prefill": 1.1},
    **{"decode_slowdown_by_copies": 1.05, "copy_slowdown_by_decode": 1.3},
}
TTFT = {
    **{"load_over_compute": 0.8, "compute_seconds": 1.0, "load_seconds": 0.8, "cake_seconds": 0.5},
    **{"oracle_seconds": 0.48, "over_oracle": 1.04, "over_better": 0.62, "duplicated": 1.0, "wrong": 0.0},
    **{"meeting_best": 0.4, "meeting_predicted": 0.4, "meeting_actual": 0.41},
    **{"planning_seconds": 0.01, "launching_seconds": 0.1, "computing_seconds": 0.3, "waiting_seconds": 0.02},
    **{"landing_seconds": 0.001, "copying_seconds": 0.2},
}
FIGURES = {
    "exact/llama-2-13b": EXACT,
    "curve/llama-2-13b": CURVE,
    "copies/llama-2-13b": COPIES,
    Contest("llama-2-13b", 16 * K, 32).name: TTFT,
    Contest("llama-2-13b", 64 * K, 7).name: {name: value for name, value in TTFT.items() if name != "load_seconds"},
    Contest("llama-3.1-8b", 16 * K, 100, 0.5).name: TTFT | {"over_better": 1.05},
}


def run(changed: dict[str, Figures] | None = None, *, on_gpu: bool = True) -> Run:
    return Run(FIGURES | (changed or {}), "a machine", "a command", "2026-01-01", on_gpu, 512)


def test_a_line_goes_through_chunks_that_rise_evenly_and_says_by_how_much_others_miss_it() -> None:
    straight = Line.through([0, 512, 1024], [0.040, 0.041, 0.042])
    bent = Line.through([0, 512, 1024], [0.040, 0.060, 0.042])

    assert (straight.first, straight.rise * 512) == pytest.approx((0.040, 0.001))
    assert straight.worst_error < 1e-9
    assert 0.1 < bent.mean_error < bent.worst_error


def test_weights_are_found_again_and_none_is_below_zero() -> None:
    rows = [(1.0, float(tokens), float(tokens * place)) for tokens in (64, 512) for place in (0, 1000, 9000)]
    times = [0.005 + 3e-5 * tokens + 2e-9 * attended for _, tokens, attended in rows]

    assert weights(rows, times) == pytest.approx((0.005, 3e-5, 2e-9))
    base, token, slope = weights(rows, [3e-5 * tokens - 1e-3 for _, tokens, _ in rows])
    assert base == 0 < token
    assert slope >= 0


def test_a_profile_is_one_that_the_simulator_reads(tmp_path: Path) -> None:
    write(run(), tmp_path)

    read = hardware.load(str(tmp_path / "gpu-llama-2-13b.yaml"))

    assert read.device.slope == CURVE["slope"]
    assert read.copy_bytes_per_second == COPIES["host_to_device_bytes_per_second"]
    assert "a machine" in yaml.safe_load((tmp_path / "gpu-llama-2-13b.yaml").read_text())["description"]


def test_a_run_on_a_processor_says_first_that_it_says_nothing_about_gpus() -> None:
    first = page(run(on_gpu=False)).splitlines()[1]

    assert first.startswith("This is the CPU run of the harness")
    assert "nothing about GPUs follows from it" in first
    assert "a GPU: a machine" in page(run()).splitlines()[1]


def test_cells_of_the_paper_have_ours_beside_them_where_length_model_and_bandwidth_are_the_same() -> None:
    shown = {beside.cell.what: (beside.over_load, beside.over_compute) for beside in run().paper()}

    assert shown["13B, H100, 32 Gbps"] == pytest.approx((1.6, 2.0))
    assert shown["13B, 2xA100, 7 Gbps"] == (None, None)
    assert "| Table 5 | Llama-8B (GQA), 7 Gbps | 2.81 \\ 1.52 | not measured |" in page(run()).splitlines()


def test_goals_are_judged_over_all_cells_and_grouped_heads_by_themselves() -> None:
    found = run().summary()

    assert found["over_better"] == found["over_better_gqa"] == 1.05
    assert found["over_oracle"] == pytest.approx(1.04)
    assert run().broken() == []


def test_a_single_wrong_play_is_a_fault_on_any_machine(tmp_path: Path) -> None:
    wrong = run({Contest("llama-2-13b", 16 * K, 32).name: TTFT | {"wrong": 1.0}})

    write(wrong, tmp_path)

    assert wrong.broken() == ["Plays, and timings of loads, whose KV or logits were wrong"]
    assert json.loads((tmp_path / "gpu.json").read_text())["wrong"] == 1


def test_a_part_of_the_cells_makes_a_page_of_that_part() -> None:
    one = Run({"exact/tiny": EXACT}, "m", "c", "d", False, 64)

    assert "## Goals" in page(one)
    assert one.profiles() == {}


@pytest.mark.parametrize("grid", [GPU, PROCESSOR, QUICK], ids=["gpu", "processor", "quick"])
def test_a_grid_has_every_kind_of_cell_for_every_model_once(device: Processor, grid: object) -> None:
    names = [cell.name for cell in cells(grid, device)]

    assert len(set(names)) == len(names)
    for model in grid.longest:
        assert {name.split("/")[0] for name in names if name.split("/")[1] == model} == {
            *("exact", "curve", "copies", "ttft")
        }


def test_what_is_measured_on_a_gpu_has_the_papers_lengths_bandwidths_shares_and_kv_sizes() -> None:
    contests = GPU.contests

    assert {one.storage for one in contests} == {7, 25, 32, 56, 100, "memory", "file"}
    assert {one.share for one in contests} == {1.0, 0.5, 0.125}
    assert {4 * K, 16 * K, 64 * K} <= {one.tokens for one in contests}
    halves = {name: SHAPES[name].kv_numbers * 2 // K for name in ("llama-2-7b", "llama-2-13b", "llama-3.1-8b")}
    assert halves == {"llama-2-7b": 512, "llama-2-13b": 800, "llama-3.1-8b": 128}  # KiB a token, as the paper has them
