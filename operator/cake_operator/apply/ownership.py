"""Who owns a field, by the API server's own book-keeping."""

from __future__ import annotations

from typing import Any

from cake_operator.apply.client import FIELD_MANAGER

__all__ = ["replicas_owner"]


def replicas_owner(deployment: dict[str, Any]) -> str | None:
    """The field manager other than us that set `spec.replicas`; None where it is ours or nobody's."""
    owners = {
        entry["manager"]
        for entry in deployment["metadata"].get("managedFields") or ()
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    }
    return None if FIELD_MANAGER in owners else min(owners, default=None)
