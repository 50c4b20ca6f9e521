"""Marks of children: while an object's mark is the same, it is still as it was asked to be."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

__all__ = ["Mark", "mark_of"]

Mark = str | bytes

TOLD: Final = ("uid", "generation", "deletionTimestamp", "labels", "ownerReferences")
"""What metadata has of an object that we ask for, or that shows that its spec is another."""
REVISION: Final = "deployment.kubernetes.io/revision"
"""The Deployment controller's own count, an annotation."""


def mark_of(obj: dict[str, Any], *, closely: bool = False) -> Mark:
    """Another one wherever `obj` may no longer be as it was asked to be.

    A Deployment tells of its pods all the time. Where the API server counts the changes of a spec (`generation`), its
    status is left out.

    Args:
        obj: A child as the API server has it.
        closely: Whether a change of the status counts, too.
    """
    meta = obj["metadata"]
    if closely or "generation" not in meta:
        return str(meta["resourceVersion"])
    annotations = {name: value for name, value in (meta.get("annotations") or {}).items() if name != REVISION}
    told = [*(meta.get(field) for field in TOLD), annotations]
    return hashlib.blake2b(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
