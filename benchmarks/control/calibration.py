"""The simulator beside a real engine: the cells of `make bench-ttft`, played on a device with that engine's step times.

What a step takes follows from plain compute alone; everything else, the loads, where compute meets them and who waits
for whom, is the simulator's. The engine's times are those that bench-ttft has published: none is started here.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.control.restored import TIER, Engine, Prompt, seconds_to_first_token
from benchmarks.ttft.findings import percentile
from benchmarks.ttft.grid import STEP_TOKENS, SUFFIX_TOKENS, TOGETHER
from cake_engine.config import LiveConfig, Mode
from cake_simulator.device import Device
from cake_simulator.file_tier import TierSpeed

PUBLISHED = Path("docs/benchmarks/ttft.json")
SITUATIONS = {"alone": 1, "together": TOGETHER}
"""Those that a list of arrivals says all of, and how many requests come at once."""
KV_BYTES_PER_TOKEN = 23_040
"""Of bench-ttft's model."""
CHUNK_TOKENS = 32


@dataclass(frozen=True)
class Compared:
    """One cell in one mode: mean seconds to the first token.

    Attributes:
        cell: As bench-ttft names it.
        mode: How the stored prefix is brought back.
        real: On the engine.
        simulated: On the simulator.
    """

    cell: str
    mode: str
    real: float
    simulated: float


def compared(published: Path = PUBLISHED) -> list[Compared]:
    """Every cell of these situations in the modes that load and that the engine was played in."""
    cells = json.loads(published.read_text())["cells"]
    device = fitted(cells)
    found = []
    for cell in cells:
        situation, tokens, _ = cell["name"].split("/", 2)
        if situation not in SITUATIONS:
            continue
        for mode in (Mode.LOAD_ONLY, Mode.ADAPTIVE):
            if mode.value in cell["ttft_seconds"]:
                simulated = _play(device, SITUATIONS[situation], int(tokens), cell["load_over_compute"], mode)
                found.append(Compared(cell["name"], mode.value, cell["ttft_seconds"][mode.value], simulated))
    return found


def fitted(cells: Sequence[Mapping[str, Any]]) -> Device:
    """The device whose plain compute alone takes what it took on the engine, by least squares of relative errors."""
    alone = {int(c["name"].split("/")[1]): c["ttft_seconds"] for c in cells if c["name"].startswith("alone/")}
    lengths = np.array(sorted(alone), dtype=float)
    seconds = np.array([alone[int(n)][Mode.COMPUTE_ONLY.value] for n in lengths])
    first = next(c for c in cells if c["name"].startswith("alone/") and Mode.LOAD_ONLY.value in c["ttft_seconds"])
    loading = first["load_over_compute"] * first["ttft_seconds"][Mode.COMPUTE_ONLY.value]
    base = max(0.0, first["ttft_seconds"][Mode.LOAD_ONLY.value] - loading)  # what is left is the last, short step
    prompts = lengths + SUFFIX_TOKENS
    work = np.column_stack([prompts, prompts**2 / 2]) / seconds[:, None]
    steps = np.ceil(prompts / STEP_TOKENS) * base / seconds
    (token, slope), *_ = np.linalg.lstsq(work, 1 - steps, rcond=None)
    return Device(base=base, token=float(token), slope=float(slope))


def _play(device: Device, requests: int, tokens: int, ratio: float, mode: Mode) -> float:
    """Mean seconds of requests that come at once."""
    bandwidth = tokens * KV_BYTES_PER_TOKEN / (ratio * device.prefill(tokens, STEP_TOKENS))
    engine = Engine(
        device=device,
        kv_bytes_per_token=KV_BYTES_PER_TOKEN,
        step_tokens=STEP_TOKENS,
        chunk_tokens=CHUNK_TOKENS,
        storage=TierSpeed(bytes_per_second=1e9, latency=0.0),
        live=LiveConfig(mode=mode, load_bandwidth_bytes_per_second={TIER: bandwidth}),
    )
    return statistics.mean(seconds_to_first_token(engine, [Prompt(tokens, SUFFIX_TOKENS)] * requests))


def errors(found: Sequence[Compared]) -> dict[int, float]:
    """By percentile of the cells: by how much of the real engine's time the simulator's is off."""
    return {
        p: abs(percentile([one.simulated for one in found], p) / percentile([one.real for one in found], p) - 1)
        for p in (50, 90)
    }
