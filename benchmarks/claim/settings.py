"""The settings that are compared: everything at default, fixed ones, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.claim.contended import TIER

DEFAULT, OURS = "default: nothing read ahead, writes do not give way", "ours: writes give way, tuned"


def _fixed(write_bandwidth: str | None = None, **knobs: float) -> dict[str, Any]:
    """What is merged into `spec.balance`: null takes back what an earlier setting wrote."""
    chosen: dict[str, Any] = {"prefetchShare": None, "writeRest": 0, "writeBandwidth": {TIER: write_bandwidth}, **knobs}
    return {"tuning": "Off", "knobs": chosen}


SETTINGS: Mapping[str, dict[str, Any]] = {
    DEFAULT: _fixed(prefetchShare=0),
    "read ahead": _fixed(),
    "read ahead, 4 MiB/s of writes a pod": _fixed("4Mi"),
    "read ahead, 1 MiB/s of writes a pod": _fixed("1Mi"),
    OURS: {"tuning": "Auto", "knobs": {"prefetchShare": None, "writeRest": None, "writeBandwidth": {TIER: None}}},
}
"""By name; the first is everything at default, the last is ours."""
