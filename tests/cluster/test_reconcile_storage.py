"""What status tells of claims that several tiers or CakeDeployments share, and of claims that go.

The claims are bound by the volume controller, to volumes that the test makes: nobody mounts them.
"""

import pytest

from tests.cluster.cakes import MEMORY, Cake, Object, bind
from tests.localcluster import Cluster

pytestmark = pytest.mark.usefixtures("operator")

CLAIM = "kv"
OTHER = "other"
KEPT = "test.cake.dev/kept"


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    """`chat` in a namespace with a claim of 1Gi that is bound."""
    cake = Cake(api_server, namespace)
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": CLAIM}
    cake.kubectl(
        "create", "-f", "-", input={"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    )
    bind(cake, CLAIM)
    return cake


def tiers(path: str, capacity: str) -> list[Object]:
    """Memory, and a folder of the claim."""
    return [
        MEMORY,
        {"name": "shared", "persistentVolumeClaim": {"claimName": CLAIM, "path": path}, "capacity": capacity},
    ]


@pytest.fixture
def other(cake: Cake) -> Cake:
    """A second CakeDeployment of the namespace, `other`, that is to be."""
    return Cake(cake.cluster, cake.namespace, OTHER)


def test_two_that_disagree_how_large_a_folder_may_grow_are_both_told_until_they_agree(cake: Cake, other: Cake) -> None:
    cake.apply(kvTiers=tiers("kv", "512Mi"))
    cake.awaits("TierDegraded", "False", "TiersUsable")
    other.apply(tenant="legal", kvTiers=tiers("kv", "256Mi"))  # tenants share the room as others do
    said = cake.awaits("TierDegraded", "True", "ClaimDisputed")
    assert "may hold 512Mi, and tier shared of CakeDeployment other gives it 256Mi: 256Mi hold for both" in said
    assert "CakeDeployment chat gives it 512Mi" in other.awaits("TierDegraded", "True", "ClaimDisputed")
    other.apply(tenant="legal", kvTiers=tiers("kv", "512Mi"))
    cake.awaits("TierDegraded", "False", "TiersUsable")
    other.awaits("TierDegraded", "False", "TiersUsable")


def test_folders_that_lie_one_inside_the_other_are_named_on_both_sides(cake: Cake, other: Cake) -> None:
    cake.apply(kvTiers=tiers("", "256Mi"))
    other.apply(kvTiers=tiers("team/other", "256Mi"))
    assert "folder team/other of tier shared of CakeDeployment other" in cake.awaits(
        "TierDegraded", "True", "ClaimOverlap"
    )
    assert "the root of tier shared of CakeDeployment chat" in other.awaits("TierDegraded", "True", "ClaimOverlap")


def test_a_claim_is_too_small_for_all_that_share_it_until_one_of_them_goes(cake: Cake, other: Cake) -> None:
    cake.apply(kvTiers=tiers("a", "1Gi"))
    cake.awaits("TierDegraded", "False", "TiersUsable")
    other.apply(kvTiers=tiers("b", "512Mi"))
    assert "holds 1Gi, and the tiers that lie on it may fill 1.5Gi" in cake.awaits(
        "TierDegraded", "True", "ClaimTooSmall"
    )
    other.awaits("TierDegraded", "True", "ClaimTooSmall")
    cake.kubectl("delete", "cake", OTHER, "--wait=false")
    cake.awaits("TierDegraded", "False", "TiersUsable")


def test_a_claim_that_is_being_deleted_is_named_and_then_missed(cake: Cake) -> None:
    cake.apply(kvTiers=tiers("a", "1Gi"))
    cake.awaits("TierDegraded", "False", "TiersUsable")
    cake.patch("pvc", CLAIM, {"metadata": {"finalizers": [KEPT]}})  # as a pod that mounts it would keep it
    cake.kubectl("delete", "pvc", CLAIM, "--wait=false")
    assert "is being deleted" in cake.awaits("TierDegraded", "True", "ClaimLeaving")
    cake.patch("pvc", CLAIM, {"metadata": {"finalizers": None}})
    cake.awaits("TierDegraded", "True", "ClaimMissing")
