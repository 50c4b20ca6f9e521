"""Measured curves as a hardware profile, which the simulator reads (`cake-simulate --hardware FILE`)."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from benchmarks.goals import rounded
from benchmarks.journal import Figures
from cake_simulator.hardware import Hardware

_DEVICE = ("base", "token", "slope", "decode", "context")
_COLD_START = 90.0
_LATENCY = 0.002


def profile(model: str, machine: str, curve: Figures, copies: Figures, step_tokens: int) -> str:
    """The profile of one model, as YAML.

    Args:
        model: Whose shape it is.
        machine: In words.
        curve: As `benchmarks.gpu.curves` found it.
        copies: As `benchmarks.gpu.copies` did.
        step_tokens: Token budget of the steps that were measured.

    Raises:
        ValueError: The simulator would not read it.
    """
    disk = {"bytes_per_second": copies["file_bytes_per_second"], "latency": _LATENCY, "readers": 8, "writers": 8}
    document = {
        "description": f"{model} (random weights) on {machine}",
        "sources": [
            f"Steps: make bench-gpu, a line through chunks of prefill that errs by {curve['line_mean_error']:.1%}.",
            "Copies to the device and the scratch disk: make bench-gpu, nothing beside them.",
            "Claim: the scratch disk's figures stand for it; its latency and the cold start of 90 s are assumed.",
        ],
        "device": rounded({name: curve[name] for name in _DEVICE}),
        "kv_bytes_per_token": round(curve["kv_bytes_per_token"]),
        **rounded(
            {
                "kv_memory_bytes": curve["kv_memory_bytes"],
                "copy_bytes_per_second": copies["host_to_device_bytes_per_second"],
            }
        ),
        "claim": _plain(disk),
        "scratch": _plain(disk),
        "cold_start_seconds": _COLD_START,
        "step_tokens": step_tokens,
    }
    Hardware.model_validate(document)
    return yaml.safe_dump(document, sort_keys=False, width=120)


def _plain(disk: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in disk.items()}
