"""What only the cluster can tell of claims: whether they are there, bound, and fit for the number of pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.volumes import tier_claim
from cake_operator.status.troubles import Trouble

__all__ = ["ClaimUse", "claim_troubles", "claim_uses", "one_node"]


@dataclass(frozen=True, slots=True)
class ClaimUse:
    """One claim that the pods mount.

    Attributes:
        claim: Name of the claim.
        field: Where in the spec it is asked for.
        written: Whether pods write to it.
        made: Whether the operator makes it.
        tier: Name of the tier that lies there; None where the model does.
        path: The folder on it; empty for its root.
        capacity: Bytes that the tier may fill.
    """

    claim: str
    field: str
    written: bool
    made: bool
    tier: str | None = None
    path: str = ""
    capacity: int = 0


def claim_uses(resource: CakeDeployment) -> list[ClaimUse]:
    """The claims that the pods of `resource` mount: the model's and those of tiers."""
    uses = []
    model = resource.spec.model.source.persistent_volume_claim
    if model is not None:
        uses.append(ClaimUse(model.claim_name, "spec.model.source", written=False, made=False, path=model.path))
    for index, tier in enumerate(resource.spec.kv_tiers):
        claim = tier_claim(resource.metadata.name, tier)
        if claim is not None and tier.persistent_volume_claim is not None:
            made = tier.persistent_volume_claim.template is not None
            uses.append(
                ClaimUse(
                    claim,
                    f"spec.kvTiers[{index}] ({tier.name})",
                    written=True,
                    made=made,
                    tier=tier.name,
                    path=tier.persistent_volume_claim.path,
                    capacity=tier.capacity.bytes,
                )
            )
    return uses


def one_node(uses: list[ClaimUse], claims: Mapping[str, Mapping[str, Any] | None]) -> bool:
    """Whether a claim that is there can be mounted on one node only."""
    return any(claim is not None and not _modes(claim) & _shared(use) for use in uses for claim in [claims[use.claim]])


def claim_troubles(
    uses: list[ClaimUse], claims: Mapping[str, Mapping[str, Any] | None], replicas: int
) -> list[tuple[ClaimUse, Trouble]]:
    """What is wrong with the claims, each with what to do.

    Args:
        uses: The claims that are mounted.
        claims: The claims as seen, by name; None for one that is not there.
        replicas: Pods that shall run.
    """
    found = ((use, _trouble(use, claims.get(use.claim), replicas)) for use in uses)
    return [(use, trouble) for use, trouble in found if trouble is not None]


def _trouble(use: ClaimUse, claim: Mapping[str, Any] | None, replicas: int) -> Trouble | None:
    where = f"{use.field}: claim {use.claim}"
    if claim is None:
        if use.made:
            return None  # it has just been asked for
        return Trouble("ClaimMissing", f"{where} does not exist in this namespace: create it, or name another one")
    if claim["metadata"].get("deletionTimestamp"):
        return Trouble(
            "ClaimLeaving", f"{where} is being deleted, and goes with the last pod that mounts it: name another claim"
        )
    phase = (claim.get("status") or {}).get("phase")
    if phase == "Lost":
        return Trouble("ClaimLost", f"{where} has lost its volume: restore the volume, or name another claim")
    modes, shared = _modes(claim), _shared(use)
    if replicas > 1 and not modes & shared:
        return Trouble(
            "ClaimNotShared",
            f"{where} is {', '.join(sorted(modes)) or 'of no access mode'}, which pods on several nodes cannot mount: "
            f"use a claim that is {' or '.join(sorted(shared))}, or ask for one replica (spec.replicas, or"
            " spec.scaling.maxReplicas)",
        )
    if phase == "Pending" and replicas > 0:  # some classes bind at the first pod
        storage = (claim.get("spec") or {}).get("storageClassName")
        return Trouble(
            "ClaimPending",
            f"{where} is not bound yet: see `kubectl describe pvc {use.claim}`"
            + (f"; storage class {storage} must provide such a volume" if storage else ""),
        )
    return None


def _modes(claim: Mapping[str, Any]) -> set[str]:
    return set((claim.get("spec") or {}).get("accessModes") or ())


def _shared(use: ClaimUse) -> set[str]:
    """The access modes with which several nodes can mount a claim that is used so."""
    return {"ReadWriteMany"} if use.written else {"ReadWriteMany", "ReadOnlyMany"}
