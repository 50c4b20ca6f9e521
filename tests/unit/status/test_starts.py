"""Starts as the kubelet reports them of pods: how long they took, and how far those are that go on."""

from typing import Any

import pytest

from cake_operator.status.starts import Starts, starting, watch_starts

Object = dict[str, Any]
BEGAN = "2026-01-01T00:00:10Z"
AGAIN = "2026-01-01T00:05:00Z"


def pod(name: str = "a", *, began: str | None = BEGAN, started: bool | None = False, **more: Any) -> Object:
    """A pod whose engine runs since `began`; `answered` is when its containers became ready, if they did."""
    answered, meta = more.pop("answered", None), more
    state = {"waiting": {"reason": "ContainerCreating"}} if began is None else {"running": {"startedAt": began}}
    ready = "False" if answered is None else "True"
    return {
        "metadata": {"name": name, **meta},
        "status": {
            "conditions": [
                {"type": "ContainersReady", "status": ready, "lastTransitionTime": answered},
                {"type": "Ready", "status": ready, "lastTransitionTime": answered},
            ],
            "containerStatuses": [
                {"name": "proxy", "started": True, "state": {"running": {"startedAt": "2025-01-01T00:00:00Z"}}},
                {"name": "engine", "started": started, "state": state},
            ],
        },
    }


def answers(at: str, **more: Any) -> Object:
    return pod(started=True, answered=at, **more)


LOADING = Starts({"a": BEGAN}, 30)
LOOKS: dict[str, tuple[Starts, list[Object], Starts]] = {
    "no pod": (LOADING, [], Starts({}, 30)),
    "a pod without a status": (Starts(), [{"metadata": {"name": "a"}}], Starts()),
    "an image is pulled": (Starts(), [pod(began=None, started=None)], Starts()),
    "it loads": (Starts(), [pod()], Starts({"a": BEGAN})),
    "it loads on": (LOADING, [pod()], LOADING),
    "it has loaded, and is not ready yet": (LOADING, [pod(started=True)], LOADING),
    "the first that is ready": (Starts({"a": BEGAN}), [answers("2026-01-01T00:00:52Z")], Starts({}, 42)),
    "longer than any before": (LOADING, [answers("2026-01-01T00:00:52Z")], Starts({}, 42)),
    "shorter than one before": (LOADING, [answers("2026-01-01T00:00:20Z")], Starts({}, 30)),
    "within the second": (Starts({"a": BEGAN}), [answers(BEGAN)], Starts({}, 1)),
    "ready again after hours, its start long past": (
        Starts({}, 30),
        [answers("2026-01-01T09:00:00Z")],
        Starts({}, 30),
    ),
    "ready when first seen": (Starts(), [answers("2026-01-01T00:00:52Z")], Starts()),
    "begun anew": (LOADING, [pod(began=AGAIN)], Starts({"a": AGAIN}, 30)),
    "begun anew, and ready before the next look": (
        LOADING,
        [answers("2026-01-01T00:05:09Z", began=AGAIN)],
        Starts({}, 30),
    ),
    "it leaves": (LOADING, [pod(deletionTimestamp="now")], Starts({}, 30)),
    "two at once": (
        Starts({"a": BEGAN, "b": BEGAN}),
        [answers("2026-01-01T00:00:52Z"), pod("b")],
        Starts({"b": BEGAN}, 42),
    ),
}


@pytest.mark.parametrize("which", LOOKS)
def test_a_start_is_measured_where_it_was_seen_under_way(which: str) -> None:
    before, pods, after = LOOKS[which]
    assert watch_starts(before, pods) == after


READY = answers("2026-01-01T00:00:52Z", name="z")
SAID: dict[str, tuple[list[Object], Starts, int | None, str]] = {
    "nothing starts": ([READY], Starts({}, 30), 1800, ""),
    "one that leaves does not start": ([pod(deletionTimestamp="now")], Starts(), 1800, ""),
    "before the engine runs": ([pod(began=None), {"metadata": {"name": "b"}}], Starts(), 1800, "2 without a running"),
    "the first ever": ([pod()], Starts({"a": BEGAN}), 1800, f"1 loading the model, the first since {BEGAN}, 1800 s"),
    "by one that is not ours": ([pod()], Starts({"a": BEGAN}), None, f"1 loading the model, the first since {BEGAN}"),
    "one of several": (
        [READY, pod(began=None), pod("b", began=AGAIN), pod("c")],
        Starts({"b": AGAIN, "c": BEGAN}, 42),
        1800,
        f"1 without a running engine yet, 2 loading the model, the first since {BEGAN}, the longest start seen took"
        " 42 s, 1800 s are allowed",
    ),
}


@pytest.mark.parametrize("which", SAID)
def test_how_far_a_start_is_is_said_in_moments_that_stay(which: str) -> None:
    pods, starts, allowed, said = SAID[which]
    assert starting(pods, starts, allowed).startswith(said)
    assert bool(starting(pods, starts, allowed)) == bool(said)
