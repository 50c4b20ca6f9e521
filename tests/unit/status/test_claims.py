"""What only the cluster can tell of claims."""

from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from cake_operator.status.claims import claim_troubles, claim_uses, one_node
from tests.unit.api.specs import FIVE_FIELDS, MADE, MEMORY, SHARED, merged

RESOURCE = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"kvTiers": [MEMORY, SHARED, MADE]}}))
USES = claim_uses(RESOURCE)


def claim(phase: str = "Bound", mode: str = "ReadWriteMany", storage: str | None = None, **meta: str) -> dict[str, Any]:
    spec = {"accessModes": [mode] if mode else []} | ({"storageClassName": storage} if storage else {})
    return {"metadata": meta, "spec": spec, "status": {"phase": phase}}


def test_the_claims_of_the_model_and_of_tiers_are_used() -> None:
    assert [(use.claim, use.field, use.written, use.made, use.tier) for use in USES] == [
        ("models", "spec.model.source", False, False, None),
        ("kv", "spec.kvTiers[1] (shared)", True, False, "shared"),
        ("chat-made", "spec.kvTiers[2] (made)", True, True, "made"),
    ]
    assert [use.capacity for use in USES] == [0, 100 * 2**30, 100 * 2**30]


SOUND = {"models": claim(mode="ReadOnlyMany"), "kv": claim(), "chat-made": claim()}
CASES: dict[str, tuple[dict[str, Any], int, list[tuple[str, str]]]] = {
    "sound": ({}, 3, []),
    "one that is about to be made": ({"chat-made": None}, 3, []),
    "missing": ({"kv": None}, 1, [("ClaimMissing", "spec.kvTiers[1] (shared): claim kv does not exist")]),
    "the model's missing": ({"models": None}, 1, [("ClaimMissing", "spec.model.source: claim models does not exist")]),
    "lost": ({"kv": claim("Lost")}, 1, [("ClaimLost", "restore the volume, or name another claim")]),
    "leaving": ({"kv": claim(deletionTimestamp="now")}, 1, [("ClaimLeaving", "is being deleted")]),
    "for one node, and one pod": ({"kv": claim(mode="ReadWriteOnce")}, 1, []),
    "for one node, and two pods": (
        {"kv": claim(mode="ReadWriteOnce")},
        2,
        [("ClaimNotShared", "is ReadWriteOnce, which pods on several nodes cannot mount: use a claim that is Read")],
    ),
    "a tier that nobody can write": ({"kv": claim(mode="ReadOnlyMany")}, 2, [("ClaimNotShared", "ReadOnlyMany")]),
    "of no mode": ({"kv": claim(mode="")}, 2, [("ClaimNotShared", "is of no access mode, which")]),
    "pending": ({"kv": claim("Pending")}, 1, [("ClaimPending", "see `kubectl describe pvc kv`")]),
    "pending, of a class": (
        {"kv": claim("Pending", storage="fast")},
        1,
        [("ClaimPending", "storage class fast must provide such a volume")],
    ),
    "pending, until there is a pod": ({"kv": claim("Pending")}, 0, []),
    "two": ({"kv": None, "models": claim("Lost")}, 1, [("ClaimLost", "models"), ("ClaimMissing", "kv")]),
}


@pytest.mark.parametrize("which", CASES)
def test_what_is_wrong_with_a_claim_is_said_with_what_to_do(which: str) -> None:
    changed, replicas, expected = CASES[which]
    found = [trouble for _, trouble in claim_troubles(USES, SOUND | changed, replicas)]
    assert [trouble.reason for trouble in found] == [reason for reason, _ in expected]
    for trouble, (_, sentence) in zip(found, expected, strict=True):
        assert sentence in trouble.message


ONE_NODE: dict[str, tuple[dict[str, Any], bool]] = {
    "all shared": ({}, False),
    "a tier for one node": ({"kv": claim(mode="ReadWriteOnce")}, True),
    "a model for one node": ({"models": claim(mode="ReadWriteOnce")}, True),
    "a tier that is only read": ({"kv": claim(mode="ReadOnlyMany")}, True),
    "not there yet": ({"kv": None, "models": None, "chat-made": None}, False),
}


@pytest.mark.parametrize("which", ONE_NODE)
def test_a_claim_that_one_node_can_mount_is_known(which: str) -> None:
    changed, expected = ONE_NODE[which]
    assert one_node(USES, SOUND | changed) is expected
