from typing import Any

import pytest

from cake_operator.status.happenings import Happening, happenings


def status(
    *,
    replicas: int = 1,
    generation: int = 1,
    confirmed: int | None = None,
    mode: str = "Adaptive",
    progressing: tuple[str, str] = ("False", "Complete"),
    ready: tuple[str, str] = ("True", "Serving"),
    contested: tuple[str, str] = ("False", "OneWriter"),
    degraded: tuple[str, str] = ("False", "TiersUsable"),
) -> dict[str, Any]:
    conditions = [
        {"type": kind, "status": truth, "reason": reason, "message": f"{kind} sentence"}
        for kind, (truth, reason) in (
            ("Ready", ready),
            ("Progressing", progressing),
            ("ReplicasContested", contested),
            ("TierDegraded", degraded),
        )
    ]
    balance = {"mode": mode, "generation": generation, "confirmedGeneration": confirmed, "reason": "because of x"}
    return {
        "conditions": conditions,
        "scaling": {"desiredReplicas": replicas, "reason": "TTFT is 2 s"},
        "balance": balance,
    }


STARTING = ("True", "Starting")
CONTESTED = ("True", "TwoWriters")
REFUSED = ("False", "ApplyRefused")
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[Happening]]] = {
    "nothing": (status(), status(), []),
    "new": ({}, status(progressing=STARTING, ready=("False", "Starting")), []),
    "new and refused": ({}, status(progressing=REFUSED), [Happening("ApplyRefused", "Progressing sentence", True)]),
    "scaled": (status(), status(replicas=3), [Happening("Scaled", "from 1 to 3 replicas: TTFT is 2 s")]),
    "a knob": (status(), status(generation=2), [Happening("KnobsChanged", "generation 2: because of x")]),
    "a mode": (
        status(),
        status(generation=2, mode="LoadOnly"),
        [Happening("ModeChanged", "from Adaptive to LoadOnly, as generation 2")],
    ),
    "confirmed": (
        status(generation=2, confirmed=1),
        status(generation=2, confirmed=2),
        [Happening("KnobsConfirmed", "every ready pod runs with generation 2")],
    ),
    "confirmed before, and an older one is behind": (status(confirmed=1), status(generation=1, confirmed=1), []),
    "a rollout begins": (status(), status(progressing=("True", "RollingOut")), []),
    "a rollout ends": (
        status(progressing=("True", "RollingOut")),
        status(),
        [Happening("RolledOut", "Progressing sentence")],
    ),
    "refused": (status(), status(progressing=REFUSED), [Happening("ApplyRefused", "Progressing sentence", True)]),
    "still refused": (status(progressing=REFUSED), status(progressing=REFUSED), []),
    "two writers": (
        status(),
        status(contested=CONTESTED),
        [Happening("TwoWriters", "ReplicasContested sentence", True)],
    ),
    "still two writers": (status(contested=CONTESTED), status(contested=CONTESTED), []),
    "a tier is full": (
        status(),
        status(degraded=("True", "TierFull")),
        [Happening("TierFull", "TierDegraded sentence", True)],
    ),
    "a tier is full, and was too small before": (
        status(degraded=("True", "ClaimTooSmall")),
        status(degraded=("True", "TierFull")),
        [Happening("TierFull", "TierDegraded sentence", True)],
    ),
    "a tier is well again": (status(degraded=("True", "TierFull")), status(), []),
    "no longer serving": (
        status(),
        status(ready=("False", "CrashLoopBackOff")),
        [Happening("NotServing", "Ready sentence", True)],
    ),
    "scaled to zero": (
        status(),
        status(replicas=0, ready=("False", "ScaledToZero")),
        [Happening("Scaled", "from 1 to 0 replicas: TTFT is 2 s"), Happening("NotServing", "Ready sentence")],
    ),
}


@pytest.mark.parametrize("which", CHANGES)
def test_a_change_of_state_is_told_and_nothing_else(which: str) -> None:
    before, after, told = CHANGES[which]
    assert happenings(before, after) == told


def test_a_figure_or_a_sentence_that_moves_is_no_happening() -> None:
    moved = status()
    moved["scaling"] |= {"reason": "TTFT is 3 s"}
    moved["balance"] |= {"meetingPoint": 0.4, "reason": "because of y"}
    moved["conditions"][0]["message"] = "another"
    assert happenings(status(), moved) == []
