"""What is said of a rollout that something is in the way of."""

from typing import Any

import pytest

from cake_operator.status.rollouts import meanwhile, rollout_troubles

Object = dict[str, Any]

LATE = {"type": "Progressing", "status": "False", "message": 'ReplicaSet "chat-1" has timed out progressing.'}
REFUSED = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
NO_IMAGE = {"containerStatuses": [{"name": "engine", "state": {"waiting": {"reason": "ErrImagePull", "message": "x"}}}]}
LOADING = {"containerStatuses": [{"name": "engine", "state": {"running": {}}}]}
NO_ROOM = {
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "3 Insufficient gpu."}
    ]
}


def pod(status: Object, name: str = "chat-1") -> Object:
    return {"metadata": {"name": name}, "status": status}


def deployment(*conditions: Object, surge: int = 1, **status: int) -> Object:
    return {
        "spec": {
            "replicas": 2,
            "progressDeadlineSeconds": 2400,
            "strategy": {"rollingUpdate": {"maxSurge": surge}},
        },
        "status": {"conditions": list(conditions), **status},
    }


def rolling(*conditions: Object, surge: int = 1) -> Object:
    """A third pod, of the new spec, beside two of the one before."""
    return deployment(*conditions, surge=surge, replicas=3, updatedReplicas=1, readyReplicas=2)


TROUBLES: dict[str, tuple[Object | None, list[Object], list[tuple[str, str]]]] = {
    "nothing there": (None, [], []),
    "ten pods with one reason": (None, [pod(NO_IMAGE, str(n)) for n in range(10)], [("ErrImagePull", "pod 0")]),
    "late, and nobody says why": (deployment(LATE), [], [("DeadlineExceeded", 'ReplicaSet "chat-1" has timed out')]),
    "late, and a pod loads": (deployment(LATE), [pod(LOADING)], [("DeadlineExceeded", "pod chat-1 runs and does not")]),
    "late, and a pod says why": (deployment(LATE), [pod(NO_IMAGE)], [("ErrImagePull", "chat-1")]),
    "refused": (deployment(REFUSED), [], [("PodsRefused", "pods cannot be made: exceeded quota")]),
    "late, then refused": (deployment(LATE, REFUSED), [], [("PodsRefused", "exceeded quota")]),
    "refused, then late": (deployment(REFUSED, LATE), [], [("PodsRefused", "exceeded quota")]),
    "no room at all": (deployment(replicas=2, updatedReplicas=2), [pod(NO_ROOM)], [("Unschedulable", "gpu.")]),
    "no room for one more": (
        rolling(),
        [pod(NO_ROOM)],
        [("Unschedulable", "Insufficient gpu; make room for the pod that a rollout adds, or write maxUnavailable: 1")],
    ),
    "no room, and none was added": (rolling(surge=0), [pod(NO_ROOM)], [("Unschedulable", "Insufficient gpu.")]),
}


@pytest.mark.parametrize("which", TROUBLES)
def test_what_is_in_the_way_is_said_once_in_the_words_of_whoever_knows_best(which: str) -> None:
    seen, pods, expected = TROUBLES[which]
    found = rollout_troubles(seen, pods)
    assert [one.reason for one in found] == [reason for reason, _ in expected]
    for trouble, (_, sentence) in zip(found, expected, strict=True):
        assert sentence in trouble.message
        assert not sentence.endswith(".") or trouble.message.endswith(sentence)


SERVES = "pods of the spec before serve on (2 ready)"
GIVEN_UP = "no pod became ready within 2400 s: mend the spec"
MEANWHILE: dict[str, tuple[Object | None, str]] = {
    "nothing there": (None, ""),
    "the first pods": (deployment(replicas=2, updatedReplicas=2), ""),
    "the first pods, late": (deployment(LATE, replicas=2, updatedReplicas=2), GIVEN_UP),
    "a rollout": (rolling(), SERVES),
    "a rollout, late": (rolling(LATE), f"{GIVEN_UP}; {SERVES}"),
    "a rollout of what never served": (deployment(replicas=3, updatedReplicas=1), ""),
}


@pytest.mark.parametrize("which", MEANWHILE)
def test_what_serves_meanwhile_and_that_it_was_given_up_is_told(which: str) -> None:
    seen, told = MEANWHILE[which]
    assert meanwhile(seen) == told
