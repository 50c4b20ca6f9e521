"""Tiers on one claim that do not agree about it."""

import pytest

from cake_operator.status.claims import ClaimUse
from cake_operator.status.sharing import sharing_troubles

GIB = 2**30


def tier(name: str = "shared", claim: str = "kv", path: str = "", gib: int = 100) -> ClaimUse:
    return ClaimUse(claim, f"spec.kvTiers[1] ({name})", True, False, tier=name, path=path, capacity=gib * GIB)


MODEL = ClaimUse("kv", "spec.model.source", written=False, made=False, path="a/b")
CASES: dict[str, tuple[list[ClaimUse], dict[str, list[ClaimUse]], list[tuple[str, str]]]] = {
    "alone": ([tier()], {}, []),
    "another claim": ([tier()], {"other": [tier(claim="kv2", gib=1)]}, []),
    "one folder, one mind": ([tier()], {"other": [tier("disk")]}, []),
    "beside each other": ([tier(path="a")], {"other": [tier(path="ab", gib=1)]}, []),
    "a model's folder": ([tier(path="a")], {"other": [MODEL]}, []),
    "two capacities": (
        [tier()],
        {"other": [tier("disk", gib=50)]},
        [
            (
                "ClaimDisputed",
                "spec.kvTiers[1] (shared): the root of claim kv may hold 100Gi, and tier disk of CakeDeployment other"
                " gives it 50Gi: 50Gi hold for both; write one capacity in both, or give",
            )
        ],
    ),
    "two capacities, seen from the other": ([tier(gib=50)], {"other": [tier()]}, [("ClaimDisputed", "50Gi hold for")]),
    "one inside the other": (
        [tier(path="a")],
        {"other": [tier(path="a/b")]},
        [("ClaimOverlap", "folder a of claim kv and folder a/b of tier shared of CakeDeployment other lie one inside")],
    ),
    "inside the root": ([tier(path="a")], {"other": [tier()]}, [("ClaimOverlap", "folder a of claim kv and the root")]),
    "two tiers of one": (
        [tier(), tier("more", path="a")],
        {},
        [("ClaimOverlap", "folder a of claim kv and the root of tier shared lie one inside the other")],
    ),
    "two tiers of one, in one folder": (
        [tier(), tier("more")],
        {},
        [("ClaimOverlap", "the root of claim kv is that of tier shared, too: give each its own path")],
    ),
    "several": (
        [tier()],
        {"b": [tier(gib=1)], "a": [tier(gib=2)]},
        [("ClaimDisputed", "CakeDeployment a"), ("ClaimDisputed", "CakeDeployment b")],
    ),
}


@pytest.mark.parametrize("which", CASES)
def test_tiers_that_disagree_are_told_of_with_what_to_do(which: str) -> None:
    uses, others, expected = CASES[which]
    found = sharing_troubles(uses, others)
    assert [trouble.reason for trouble in found] == [reason for reason, _ in expected]
    for trouble, (_, sentence) in zip(found, expected, strict=True):
        assert sentence in trouble.message
