"""What of an object is kept in memory: with thousands of them, what nobody reads is most of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cake_operator.apply.kinds import CLAIMS, DEPLOYMENTS, PODS, Kind

__all__ = ["DELETION_COST", "keeper"]

Object = dict[str, Any]

DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
POD_METADATA: Final = ("name", "namespace", "uid", "resourceVersion", "labels", "deletionTimestamp")


def keeper(kind: Kind) -> Callable[[Object], Object]:
    """The function that strips an object of `kind` to what is read of it."""
    return _KEEPERS.get(kind, _without_managers)


def _without_managers(obj: Object) -> Object:
    return {**obj, "metadata": _without(obj["metadata"], "managedFields")}


def _deployment(obj: Object) -> Object:
    """Who owns spec.replicas is read; the rest of the book-keeping is larger than the object."""
    entries = [
        {"manager": entry.get("manager", ""), "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        for entry in obj["metadata"].get("managedFields") or ()
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": entries}}


def _pod(obj: Object) -> Object:
    meta = {key: obj["metadata"][key] for key in POD_METADATA if key in obj["metadata"]}
    cost = (obj["metadata"].get("annotations") or {}).get(DELETION_COST)
    if cost is not None:
        meta["annotations"] = {DELETION_COST: cost}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": obj.get("status") or {}}


_KEEPERS: Final[Mapping[Kind, Callable[[Object], Object]]] = {
    DEPLOYMENTS: _deployment,
    PODS: _pod,
    CLAIMS: _without_managers,
}


def _without(mapping: Object, key: str) -> Object:
    return {name: value for name, value in mapping.items() if name != key}
