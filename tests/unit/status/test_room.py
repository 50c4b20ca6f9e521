"""Whether volumes have the room that tiers ask of them."""

from typing import Any

import pytest

from cake_operator.observe.snapshot import ABSENT, DeploymentSnapshot, Figure
from cake_operator.status.claims import ClaimUse
from cake_operator.status.room import room_troubles, write_troubles
from tests.unit.status.test_sharing import MODEL, tier

Claims = dict[str, dict[str, Any] | None]
Troubles = list[tuple[str, str]]


def claim(size: str | None, requested: str = "100Gi") -> dict[str, Any]:
    status = {"capacity": {"storage": size}} if size else {}
    spec = {"resources": {"requests": {"storage": requested}}}
    return {"metadata": {"name": "kv"}, "spec": spec, "status": status}


ROOM: dict[str, tuple[list[ClaimUse], Claims, dict[str, list[ClaimUse]], Troubles]] = {
    "enough": ([tier()], {"kv": claim("100Gi")}, {}, []),
    "more than enough, in other words": ([tier()], {"kv": claim("1T")}, {}, []),
    "not there": ([tier()], {"kv": None}, {}, []),
    "not bound": ([tier()], {"kv": claim(None)}, {}, []),
    "a model's": ([MODEL], {"kv": claim("1Gi")}, {}, []),
    "too small": (
        [tier()],
        {"kv": claim("50Gi", requested="50Gi")},
        {},
        [
            (
                "ClaimTooSmall",
                "spec.kvTiers[1] (shared): claim kv holds 50Gi, and the tiers that lie on it may fill 100Gi: enlarge",
            )
        ],
    ),
    "being enlarged": (
        [tier()],
        {"kv": claim("50Gi", requested="200Gi")},
        {},
        [("ClaimGrowing", "holds 50Gi and is to hold 200Gi: see `kubectl describe pvc kv` for what its growth waits")],
    ),
    "two tiers of one": ([tier(), tier("b", path="b")], {"kv": claim("150Gi")}, {}, [("ClaimTooSmall", "fill 200Gi")]),
    "too small with another's": (
        [tier(path="a")],
        {"kv": claim("150Gi")},
        {"other": [tier(path="b"), tier(claim="kv2"), MODEL]},
        [("ClaimTooSmall", "may fill 200Gi")],
    ),
    "one folder of two": ([tier()], {"kv": claim("60Gi")}, {"other": [tier(gib=50)]}, []),
}


@pytest.mark.parametrize("which", ROOM)
def test_a_claim_is_as_large_as_all_that_may_be_written_to_it(which: str) -> None:
    uses, claims, others, expected = ROOM[which]
    found = room_troubles(uses, claims, others)
    assert [trouble.reason for trouble in found] == [reason for reason, _ in expected]
    for trouble, (_, sentence) in zip(found, expected, strict=True):
        assert sentence in trouble.message


SOME, NONE = Figure.present(0.2), Figure.present(0.0)
WRITES: dict[str, tuple[DeploymentSnapshot, Troubles]] = {
    "nothing known": (DeploymentSnapshot(), []),
    "all well": (DeploymentSnapshot(no_space_rate={"shared": NONE}, denied_rate={"shared": ABSENT}), []),
    "full": (
        DeploymentSnapshot(no_space_rate={"shared": SOME}),
        [("TierFull", "spec.kvTiers[1] (shared): claim kv has no room left, though the tier is not at its capacity")],
    ),
    "the node's disk is full": (
        DeploymentSnapshot(no_space_rate={"scratch": SOME}),
        [("TierFull", "spec.kvTiers[2] (scratch): the node has no room left")],
    ),
    "not ours to write": (
        DeploymentSnapshot(denied_rate={"shared": SOME}),
        [("TierDenied", "claim kv does not let engines write, so nothing is stored there: give its folder to group")],
    ),
    "an I/O error, or a stale handle": (
        DeploymentSnapshot(failed_write_rate={"shared": SOME}),
        [
            (
                "TierFailing",
                "spec.kvTiers[1] (shared): claim kv fails, so little is stored there and what cannot be read",
            )
        ],
    ),
    "of a tier that was removed": (DeploymentSnapshot(no_space_rate={"gone": SOME}), []),
}


@pytest.mark.parametrize("which", WRITES)
def test_what_engines_could_not_store_is_told_of_with_what_to_do(which: str) -> None:
    snapshot, expected = WRITES[which]
    found = write_troubles(["memory", "shared", "scratch"], [tier()], snapshot)
    assert [trouble.reason for trouble in found] == [reason for reason, _ in expected]
    for trouble, (_, sentence) in zip(found, expected, strict=True):
        assert sentence in trouble.message
