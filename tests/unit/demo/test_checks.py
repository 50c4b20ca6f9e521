from dataclasses import replace

import pytest

from demo.checks import checks
from demo.comparing import Comparison
from demo.measure import Counts, ModeRun
from demo.pacing import Pace
from demo.scaling import Scaling
from demo.tuning import Retuning


def mode_run(mode: str, ttft: float, computed: float, loaded: float) -> ModeRun:
    counts = Counts({"computed": computed, "loaded": loaded}, (1.0, 0.5))
    return ModeRun(mode, (0.0,), (ttft,), ("text",), (), counts)


COMPUTE, LOAD, ADAPTIVE = (
    mode_run("ComputeOnly", 5.0, 100, 0),
    mode_run("LoadOnly", 4.0, 0, 100),
    mode_run("Adaptive", 3.0, 40, 60),
)
RETUNED = [Retuning(0.0, 5, (0.0, 0.05), "because")]
SCALED = Scaling(60.0, 90.0, (), 30, ())


def failing(
    runs: tuple[ModeRun, ...] = (COMPUTE, LOAD, ADAPTIVE),
    retuned: list[Retuning] = RETUNED,
    scaled: Scaling = SCALED,
) -> list[str]:
    return [check.what for check in checks(Comparison(Pace(0.4, 1), runs, []), retuned, scaled) if not check.passed]


def test_a_demo_in_which_all_happened_passes() -> None:
    assert failing() == []


@pytest.mark.parametrize(
    ("runs", "complaint"),
    [
        ((COMPUTE, LOAD, replace(ADAPTIVE, ttfts=(4.5,))), "Adaptive's median TTFT is 1.12"),
        ((COMPUTE, LOAD, replace(ADAPTIVE, failed=("cut",))), "every request in every mode was answered (1 failed)"),
        ((COMPUTE, mode_run("LoadOnly", 4.0, 90, 10), ADAPTIVE), "LoadOnly loaded the stored prefixes (10%"),
        ((COMPUTE, LOAD, mode_run("Adaptive", 3.0, 0, 100)), "Adaptive computed and loaded (100%"),
        ((COMPUTE, LOAD, mode_run("Adaptive", 3.0, 100, 0)), "Adaptive computed and loaded (0%"),
        ((mode_run("ComputeOnly", 5.0, 90, 10), LOAD, ADAPTIVE), "ComputeOnly loaded nothing (10 tokens)"),
        (
            (COMPUTE, LOAD, replace(ADAPTIVE, counts=replace(ADAPTIVE.counts, local_hits=32.0))),
            "the pod's own prefix cache held none of the prompts (32 tokens",
        ),
    ],
)
def test_a_mode_that_did_not_do_its_part_is_named(runs: tuple[ModeRun, ...], complaint: str) -> None:
    [what] = failing(runs=runs)
    assert what.startswith(complaint)


@pytest.mark.parametrize(
    ("scaled", "complaint"),
    [
        (
            replace(SCALED, up_seconds=None, held=("at maxReplicas", "")),
            "the TTFT objective added a replica under load (not in time: at maxReplicas)",
        ),
        (
            replace(SCALED, down_seconds=None, held=("", "TTFT p90 is 3.1 s of 2.0 s")),
            "it was taken away again in the calm (not in time: TTFT p90 is 3.1 s of 2.0 s)",
        ),
        (replace(SCALED, failed=("cut",)), "no stream failed meanwhile (1 of 30)"),
    ],
)
def test_a_fleet_that_did_not_follow_its_load_fails(scaled: Scaling, complaint: str) -> None:
    assert failing(scaled=scaled) == [complaint]


def test_a_tuner_that_did_nothing_fails() -> None:
    assert len(failing(retuned=[])) == 1
