"""Whose an object is, and whose a field, by the API server's own book-keeping."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from cake_operator.apply.cache import Object, owner_of
from cake_operator.apply.client import FIELD_MANAGER

__all__ = ["Standing", "attached", "controlled_by", "replicas_owner", "standing"]


class Standing(Enum):
    """Whose an object of a wanted name is."""

    OURS = auto()
    """Controlled by the same owner; what has no owner, or shall have none, is known by its label."""
    PREDECESSORS = auto()
    """Of a CakeDeployment of the same name that is gone: the garbage collector takes it."""
    FOREIGN = auto()


def standing(live: Object, desired: Object) -> Standing:
    """Whose `live` is, which has the name of `desired`."""
    owner, wanted = _controller(live), _controller(desired)
    if owner is None or wanted is None:
        return Standing.OURS if owner_of(live) == owner_of(desired) else Standing.FOREIGN
    if owner["uid"] == wanted["uid"]:
        return Standing.OURS
    same_name = all(owner.get(key) == wanted[key] for key in ("apiVersion", "kind", "name"))
    return Standing.PREDECESSORS if same_name else Standing.FOREIGN


def attached(live: Object | None, desired: Object) -> bool:
    """Whether the object is there and goes when the owner of `desired` goes; kept ones have none to go with."""
    wanted = _controller(desired)
    return live is not None and (wanted is None or controlled_by(live, wanted["uid"]))


def controlled_by(obj: Object, uid: str) -> bool:
    """Whether the object with `uid` is the controller of `obj`."""
    controller = _controller(obj)
    return controller is not None and bool(controller["uid"] == uid)


def replicas_owner(deployment: dict[str, Any]) -> str | None:
    """The field manager other than us that set `spec.replicas`; None where it is ours or nobody's."""
    owners = {
        entry["manager"]
        for entry in deployment["metadata"].get("managedFields") or ()
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    }
    return None if FIELD_MANAGER in owners else min(owners, default=None)


def _controller(obj: Object) -> dict[str, Any] | None:
    return next((one for one in obj["metadata"].get("ownerReferences") or () if one.get("controller")), None)
