"""The same CakeDeployment in every cluster, with what a cluster needs besides. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cake_operator.render.merging import strategic_merge


def fitted(resource: Mapping[str, Any], engine: Mapping[str, Any]) -> dict[str, Any]:
    """Return a CakeDeployment with ``engine`` merged into ``spec.engine``, as `kubectl patch` merges pods.

    Args:
        resource: A CakeDeployment.
        engine: Fields of ``spec.engine``: objects are merged, as are lists in pods whose elements have names; other
            values take the place of those that were there.

    Raises:
        MergeError: ``engine`` cannot be merged; says where and what to write.
    """
    spec = resource["spec"]
    merged = strategic_merge(spec.get("engine", {}), engine, where="spec.engine")
    return {**resource, "spec": {**spec, "engine": merged}}
