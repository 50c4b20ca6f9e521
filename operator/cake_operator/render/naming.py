"""Names and labels of what a CakeDeployment is rendered into."""

from __future__ import annotations

from typing import Any, Final

from cake_operator.api import CakeDeployment

DEPLOYMENT_LABEL: Final = "cake.dev/deployment"
TENANT_LABEL: Final = "cake.dev/tenant"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "cake-operator"
STATIC_HASH_ANNOTATION: Final = "cake.dev/static-hash"
OWN_SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
"""Selects what the operator made, pods included."""

STATIC_KEY: Final = "engine.json"
TUNING_KEY: Final = "tuning.json"


def static_name(name: str) -> str:
    """The ConfigMap with the static configuration of CakeDeployment `name`."""
    return f"{name}-engine"


def tuning_name(name: str) -> str:
    """The ConfigMap with the live configuration of CakeDeployment `name`."""
    return f"{name}-tuning"


def claim_name(name: str, tier: str) -> str:
    """The claim made for a tier with a `template`."""
    return f"{name}-{tier}"


def tenant_secret_name(tenant: str) -> str:
    """The Secret with the salt of a tenant, for all its CakeDeployments in a namespace."""
    return f"cake-tenant-{tenant}"


def selector_of(name: str) -> dict[str, str]:
    """The labels by which a CakeDeployment's pods are found; they can never change."""
    return {"app.kubernetes.io/name": "cake-engine", DEPLOYMENT_LABEL: name}


def labels_of(name: str) -> dict[str, str]:
    """The labels of every child and pod."""
    return {**selector_of(name), "app.kubernetes.io/instance": name, MANAGED_BY_LABEL: MANAGED_BY}


def metadata_of(resource: CakeDeployment, name: str, *, owned: bool = True) -> dict[str, Any]:
    """Metadata of a child called `name`; `owned` children go when the CakeDeployment goes."""
    meta: dict[str, Any] = {
        "name": name,
        "namespace": resource.metadata.namespace,
        "labels": labels_of(resource.metadata.name),
    }
    if owned:
        meta["ownerReferences"] = [
            {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "name": resource.metadata.name,
                "uid": resource.metadata.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return meta
