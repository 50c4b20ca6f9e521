"""What must have happened for the demo to have shown what it says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cake_engine.config import Mode
from demo.comparing import Comparison
from demo.measure import ModeRun, advantage
from demo.scaling import Scaling
from demo.tuning import Retuning

#: Share of the stored tokens that LoadOnly must have loaded, and Adaptive computed as well as loaded.
MOST, SOME = 0.8, 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so."""

    passed: bool
    what: str


def checks(comparison: Comparison, retuned: Sequence[Retuning], scaling: Scaling) -> list[Check]:
    """Judge the whole demo."""
    return [*_modes(comparison), *_tuner(retuned), *_replicas(scaling)]


def _modes(comparison: Comparison) -> list[Check]:
    compute, load, adaptive = (comparison.run(mode) for mode in (Mode.COMPUTE_ONLY, Mode.LOAD_ONLY, Mode.ADAPTIVE))
    factor = advantage(comparison.runs, Mode.ADAPTIVE.value)
    failed = sum(len(run.failed) for run in comparison.runs)
    hits = sum(run.counts.local_hits for run in comparison.runs)
    return [
        Check(failed == 0, f"every request in every mode was answered ({failed} failed)"),
        Check(hits == 0, f"the pod's own prefix cache held none of the prompts ({hits:.0f} tokens found in it)"),
        Check(loaded_share(compute) == 0, f"ComputeOnly loaded nothing ({compute.loaded:,} tokens)"),
        Check(
            loaded_share(load) >= MOST,
            f"LoadOnly loaded the stored prefixes ({loaded_share(load):.0%} of their tokens)",
        ),
        Check(
            SOME <= loaded_share(adaptive) <= 1 - SOME and adaptive.meeting_point is not None,
            f"Adaptive computed and loaded ({loaded_share(adaptive):.0%} of the tokens were loaded)",
        ),
        Check(factor <= 1, f"Adaptive's median TTFT is {factor:.2f} of the better of the other two"),
    ]


def loaded_share(run: ModeRun) -> float:
    """Return which share of the stored prefixes' tokens was loaded; 0 where nothing was stored."""
    whole = run.computed + run.loaded
    return run.loaded / whole if whole else 0.0


def _tuner(retuned: Sequence[Retuning]) -> list[Check]:
    if not retuned:
        return [Check(False, "the tuner turned a knob and every ready pod confirmed it (it turned none in time)")]
    first = retuned[0]
    return [Check(True, f"the tuner turned a knob and every ready pod confirmed generation {first.generation}")]


def _replicas(scaling: Scaling) -> list[Check]:
    up, down = scaling.up_seconds, scaling.down_seconds
    not_up, not_down = scaling.held
    return [
        Check(up is not None, "the TTFT objective added a replica under load" + _after(up, not_up)),
        Check(down is not None, "it was taken away again in the calm" + _after(down, not_down)),
        Check(not scaling.failed, f"no stream failed meanwhile ({len(scaling.failed)} of {scaling.streams})"),
    ]


def _after(seconds: float | None, held: str) -> str:
    return f" (not in time: {held})" if seconds is None else f" (after {seconds:.0f} s)"
