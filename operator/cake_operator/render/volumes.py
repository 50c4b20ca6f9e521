"""Volumes of the engine pod and where they are mounted: configuration, model, secrets, tiers, scratch."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

from cake_operator.api import CakeDeployment, KVTier
from cake_operator.render.encryption import encryption_mounts, encryption_volumes
from cake_operator.render.naming import claim_name, static_name, tuning_name
from cake_operator.render.static_config import LIVE_FOLDER, STATIC_FOLDER, TIERS_FOLDER
from cake_operator.render.tenant import tenant_mounts, tenant_volumes
from cake_operator.render.tls import tls_mounts, tls_volumes

MODEL_FOLDER: Final = PurePosixPath("/models")
SCRATCH: Final = PurePosixPath("/tmp")  # noqa: S108 (an emptyDir of the pod's own)
SHARED_MEMORY: Final = PurePosixPath("/dev/shm")  # noqa: S108 (likewise)


def volumes(resource: CakeDeployment) -> list[dict[str, Any]]:
    """The pod's volumes."""
    name = resource.metadata.name
    model = resource.spec.model.source.persistent_volume_claim
    result: list[dict[str, Any]] = [
        {"name": "static", "configMap": {"name": static_name(name)}},
        {"name": "live", "configMap": {"name": tuning_name(name)}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},  # tensor-parallel workers talk through it
    ]
    if model is not None:
        result.append({"name": "model", "persistentVolumeClaim": {"claimName": model.claim_name, "readOnly": True}})
    return [
        *result,
        *tls_volumes(resource),
        *tenant_volumes(resource),
        *encryption_volumes(resource),
        *(_tier_volume(name, tier) for tier in resource.spec.kv_tiers if tier.memory is None),
    ]


def volume_mounts(resource: CakeDeployment) -> list[dict[str, Any]]:
    """The engine container's mounts. The live configuration is a folder: a file (subPath) would never be updated."""
    result: list[dict[str, Any]] = [
        {"name": "static", "mountPath": str(STATIC_FOLDER), "readOnly": True},
        {"name": "live", "mountPath": str(LIVE_FOLDER), "readOnly": True},
        {"name": "tmp", "mountPath": str(SCRATCH)},
        {"name": "shm", "mountPath": str(SHARED_MEMORY)},
    ]
    if resource.spec.model.source.persistent_volume_claim is not None:
        result.append({"name": "model", "mountPath": str(MODEL_FOLDER), "readOnly": True})
    return [
        *result,
        *tls_mounts(resource),
        *tenant_mounts(resource),
        *encryption_mounts(resource),
        *(_tier_mount(tier) for tier in resource.spec.kv_tiers if tier.memory is None),
    ]


def tier_claim(name: str, tier: KVTier) -> str | None:
    """The claim that a tier lies on, whether users made it or we do; None for a tier without one."""
    source = tier.persistent_volume_claim
    if source is None:
        return None
    return source.claim_name or claim_name(name, tier.name)


def _tier_volume(name: str, tier: KVTier) -> dict[str, Any]:
    claim = tier_claim(name, tier)
    if claim is not None:
        return {"name": f"tier-{tier.name}", "persistentVolumeClaim": {"claimName": claim}}
    # The kubelet evicts a pod whose emptyDir is over its limit: leave a tenth for files that are being written.
    limit = tier.capacity.bytes + tier.capacity.bytes // 10
    return {"name": f"tier-{tier.name}", "emptyDir": {"sizeLimit": str(limit)}}


def _tier_mount(tier: KVTier) -> dict[str, Any]:
    mount = {"name": f"tier-{tier.name}", "mountPath": str(TIERS_FOLDER / tier.name)}
    source = tier.persistent_volume_claim
    return {**mount, "subPath": source.path} if source is not None and source.path else mount
