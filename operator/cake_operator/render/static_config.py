"""The ConfigMap with what an engine is started with; a change of it rolls the pods."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any, Final

from cake_engine.config import ModelIdentity, StaticConfig, TierConfig, TierKind
from cake_operator.api import CakeDeployment, KVTier
from cake_operator.render.encryption import encryption_key_file
from cake_operator.render.naming import STATIC_KEY, TUNING_KEY, metadata_of, static_name
from cake_operator.render.tenant import salt_file

STATIC_FOLDER: Final = PurePosixPath("/etc/cake/static")
LIVE_FOLDER: Final = PurePosixPath("/etc/cake/live")
TIERS_FOLDER: Final = PurePosixPath("/var/cake/tiers")


def static_config(resource: CakeDeployment) -> StaticConfig:
    """The configuration that the engine reads once, at its start."""
    return StaticConfig(
        model=_identity(resource),
        tiers=tuple(_tier(tier) for tier in resource.spec.kv_tiers),
        live_config=str(LIVE_FOLDER / TUNING_KEY),
        salt_file=salt_file(resource),
        encryption_key_file=encryption_key_file(resource),
    )


def static_hash(resource: CakeDeployment) -> str:
    """Changes when the static configuration does; as an annotation of the pods it makes a change roll them."""
    return hashlib.sha256(static_config(resource).to_json().encode()).hexdigest()[:16]


def static_config_map(resource: CakeDeployment) -> dict[str, Any]:
    """ConfigMap NAME-engine."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(resource, static_name(resource.metadata.name)),
        "data": {STATIC_KEY: static_config(resource).to_json()},
    }


def _identity(resource: CakeDeployment) -> ModelIdentity:
    """Whose KV blocks these are. A repository is known by its own name, whatever it is served as."""
    hub = resource.spec.model.source.hugging_face
    if hub is not None:
        return ModelIdentity(name=hub.repo, revision=hub.revision)
    return ModelIdentity(name=resource.spec.model.name)


def _tier(tier: KVTier) -> TierConfig:
    in_memory = tier.memory is not None
    return TierConfig(
        name=tier.name,
        kind=TierKind.MEMORY if in_memory else TierKind.FILE_SYSTEM,
        path=None if in_memory else str(TIERS_FOLDER / tier.name),
        capacity_bytes=tier.capacity.bytes,
        ttl_seconds=None if tier.ttl is None else tier.ttl.seconds,
        codec=tier.codec,
        quality_floor=tier.quality_floor,
    )
