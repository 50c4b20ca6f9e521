"""Whether the volumes below tiers have the room that is asked of them and can be written, as engines found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from cake_operator.api.amounts import amount_of, shown
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_operator.status.claims import ClaimUse
from cake_operator.status.troubles import Trouble

__all__ = ["room_troubles", "write_troubles"]


def room_troubles(
    uses: Sequence[ClaimUse], claims: Mapping[str, Mapping[str, Any] | None], others: Mapping[str, Sequence[ClaimUse]]
) -> list[Trouble]:
    """Claims that are smaller than all that may be written to them.

    Args:
        uses: The claims that one CakeDeployment mounts.
        claims: The claims as seen, by name.
        others: What the other CakeDeployments of its namespace mount, by name.
    """
    tiers = [use for use in uses if use.written]
    everyone = [*tiers, *(use for theirs in others.values() for use in theirs if use.written)]
    found = []
    for name in dict.fromkeys(use.claim for use in tiers):
        claim = claims.get(name) or {}
        size = amount_of(((claim.get("status") or {}).get("capacity") or {}).get("storage"))
        folders: dict[str, int] = {}
        for use in everyone:
            if use.claim == name:  # of two capacities for one folder the smaller one holds
                folders[use.path] = min(use.capacity, folders.get(use.path, use.capacity))
        if size is not None and sum(folders.values()) > size:
            field = next(use.field for use in tiers if use.claim == name)
            found.append(_too_small(f"{field}: claim {name}", claim, size, sum(folders.values())))
    return found


def write_troubles(tiers: Sequence[str], uses: Sequence[ClaimUse], snapshot: DeploymentSnapshot) -> list[Trouble]:
    """Tiers to which engines could not write lately, each with what to do.

    Args:
        tiers: Names of the tiers, fast to slow.
        uses: The claims that the pods mount.
        snapshot: What the engines met.
    """
    claims = {use.tier: use.claim for use in uses if use.written}
    found = []
    for index, tier in enumerate(tiers):
        where = f"spec.kvTiers[{index}] ({tier}): {f'claim {claims[tier]}' if tier in claims else 'the node'}"
        if _happens(snapshot.no_space_rate.get(tier)):
            found.append(
                Trouble(
                    "TierFull",
                    f"{where} has no room left, though the tier is not at its capacity, so no more is stored there:"
                    " remove what else is on the volume, enlarge it, or lower the tier's capacity",
                )
            )
        if _happens(snapshot.denied_rate.get(tier)):
            found.append(
                Trouble(
                    "TierDenied",
                    f"{where} does not let engines write, so nothing is stored there: give its folder to group 65532"
                    " (or to spec.engine.podTemplate's fsGroup), and export it writable",
                )
            )
        if _happens(snapshot.failed_write_rate.get(tier)):
            found.append(
                Trouble(
                    "TierFailing",
                    f"{where} fails, so little is stored there and what cannot be read is computed: see the engines'"
                    " logs for its error and the storage for its cause; where the error is a stale file handle,"
                    " restart the pods, which mounts the volume anew",
                )
            )
    return found


def _too_small(where: str, claim: Mapping[str, Any], size: Decimal, asked: int) -> Trouble:
    requested = amount_of((claim.get("spec") or {}).get("resources", {}).get("requests", {}).get("storage"))
    if requested is not None and requested > size:
        waits = f"see `kubectl describe pvc {claim['metadata']['name']}` for what its growth waits for"
        return Trouble("ClaimGrowing", f"{where} holds {shown(size)} and is to hold {shown(requested)}: {waits}")
    return Trouble(
        "ClaimTooSmall",
        f"{where} holds {shown(size)}, and the tiers that lie on it may fill {shown(asked)}: enlarge the claim,"
        " or lower their capacities",
    )


def _happens(rate: Figure | None) -> bool:
    return rate is not None and rate.value is not None and rate.value > 0
