"""What is measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.cells import Cell
from benchmarks.operator import growing, rollouts, takeover

SIZES: Final = (10, 100, 1000)
"""CakeDeployments of a whole run."""


def cells(sizes: Sequence[int], *, quick: bool) -> list[Cell]:
    """All of them; quick ones say whether they work."""
    effort = growing.QUICK if quick else growing.Effort()
    deployments, size, rounds = (20, 20, 1) if quick else (500, 100, 3)
    return [
        *(Cell(f"fleet/{number}", partial(growing.measure, size=number, effort=effort)) for number in sizes),
        Cell(f"takeover/{size}", partial(takeover.measure, size=size, rounds=rounds)),
        Cell(f"pods/{deployments}", partial(rollouts.measure, size=deployments)),
    ]
