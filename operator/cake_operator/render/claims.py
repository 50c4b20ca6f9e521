"""The claims of tiers that ask for one by `template`."""

from __future__ import annotations

from typing import Any

from cake_operator.api import CakeDeployment, ClaimTemplate, KVTier
from cake_operator.render.naming import claim_name, metadata_of


def claims(resource: CakeDeployment) -> list[dict[str, Any]]:
    """PersistentVolumeClaim NAME-TIER for each tier with a `template`; what users made themselves is not ours."""
    return [
        _claim(resource, tier, tier.persistent_volume_claim.template)
        for tier in resource.spec.kv_tiers
        if tier.persistent_volume_claim is not None and tier.persistent_volume_claim.template is not None
    ]


def _claim(resource: CakeDeployment, tier: KVTier, template: ClaimTemplate) -> dict[str, Any]:
    assert tier.persistent_volume_claim is not None  # noqa: S101 (the caller chose tiers with a claim)
    # Stored KV blocks cost GPU hours: unless told otherwise they outlive the CakeDeployment, by having no owner.
    owned = tier.persistent_volume_claim.retain == "Delete"
    spec: dict[str, Any] = {
        "accessModes": list(template.access_modes),
        "resources": {"requests": {"storage": str(tier.capacity)}},
    }
    if template.storage_class_name is not None:
        spec["storageClassName"] = template.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata_of(resource, claim_name(resource.metadata.name, tier.name), owned=owned),
        "spec": spec,
    }
