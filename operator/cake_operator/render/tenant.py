"""The salt of a tenant: a Secret that is made once, and the file that its pods see. The operator never reads it."""

from __future__ import annotations

import base64
from pathlib import PurePosixPath
from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import MANAGED_BY, MANAGED_BY_LABEL, TENANT_LABEL, tenant_secret_name
from cake_operator.render.secret_files import secret_mount, secret_volume

__all__ = ["SALT_BYTES", "salt_file", "tenant_mounts", "tenant_secrets", "tenant_volumes"]

SALT_BYTES: Final = 32
FOLDER: Final = PurePosixPath("/etc/cake/tenant")
KEY: Final = "salt"


def salt_file(resource: CakeDeployment) -> str | None:
    """Where the engine finds the salt; None without a tenant."""
    return None if resource.spec.tenant is None else str(FOLDER / KEY)


def tenant_secrets(resource: CakeDeployment, salt: bytes) -> list[dict[str, Any]]:
    """Secret cake-tenant-NAME with this salt, to be made if there is none; nothing without a tenant.

    It belongs to the tenant and not to one CakeDeployment, so it has no owner: what was stored under a salt is lost
    with it. Nobody can change it, because half of the pods would go on with the old one.
    """
    tenant = resource.spec.tenant
    if tenant is None:
        return []
    metadata = {
        "name": tenant_secret_name(tenant),
        "namespace": resource.metadata.namespace,
        "labels": {MANAGED_BY_LABEL: MANAGED_BY, TENANT_LABEL: str(tenant)},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "immutable": True,
            "type": "Opaque",
            "data": {KEY: base64.b64encode(salt).decode()},
        }
    ]


def tenant_volumes(resource: CakeDeployment) -> list[dict[str, Any]]:
    """The Secret as a volume."""
    tenant = resource.spec.tenant
    return [] if tenant is None else [secret_volume("tenant", tenant_secret_name(tenant), (KEY,))]


def tenant_mounts(resource: CakeDeployment) -> list[dict[str, Any]]:
    """Where it is mounted: a file, because variables are inherited by every process and shown by some."""
    return [] if resource.spec.tenant is None else [secret_mount("tenant", FOLDER)]
