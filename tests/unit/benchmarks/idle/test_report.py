"""What a run of bench-idle is judged by."""

import pytest

from benchmarks.idle.report import Run, page
from benchmarks.idle.soak import Held
from benchmarks.idle.steps import Steps

STEPS = [Steps(1, 400, 0.010, 0.00005), Steps(16, 400, 0.040, 0.0001)]
SOAK = [Held(1000 * n, 500 << 20, 0) for n in range(1, 11)]


def run(steps: list[Steps] = STEPS, soak: list[Held] = SOAK) -> Run:
    return Run(steps, soak, "a machine", "a command", "2026-01-01")


def test_nothing_is_missed_where_all_stays_small() -> None:
    assert run().missed() == []
    assert run().share == pytest.approx(0.005)
    assert "| 16 | 400 | 40.00 | 100 | 0.25 % |" in page(run())


@pytest.mark.parametrize(
    ("slow", "said"),
    [
        (run([Steps(1, 400, 0.010, 0.0002)]), "2.00% of a step is Cake's"),
        (run(soak=[*SOAK[:-1], Held(10_000, 510 << 20, 0)]), "memory grew by 2.0%"),
        (run(soak=[Held(1000, 400 << 20, 3), *SOAK[1:]]), "3 objects"),
    ],
)
def test_each_goal_is_missed_by_its_own_figure(slow: Run, said: str) -> None:
    [missed] = slow.missed()
    assert missed.startswith(said)
