"""What the operator has last seen of the objects it cares about, by kind, namespace and name."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, PODS, Kind
from cake_operator.apply.mounts import Mounts
from cake_operator.render.naming import DEPLOYMENT_LABEL

__all__ = ["Cache", "Key", "Object", "key_of", "owner_of"]

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name of a CakeDeployment."""


def key_of(obj: Object) -> Key:
    """Namespace and name of an object."""
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def owner_of(obj: Object) -> Key | None:
    """The CakeDeployment that an object's label says it belongs to."""
    meta = obj["metadata"]
    name = (meta.get("labels") or {}).get(DEPLOYMENT_LABEL)
    return (meta["namespace"], name) if name else None


class Cache:
    """Objects as last seen, newest version first come: an older one never replaces a newer one.

    Watches and our own writes both feed it, so that a reconcile that follows a write sees that write.
    """

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Key, Object]] = collections.defaultdict(dict)
        self._owned: dict[Key, dict[tuple[Kind, str], Object]] = collections.defaultdict(dict)
        self._seen: dict[Kind, int] = {}
        self._mounts = Mounts()

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object of that name, or None."""
        return self._objects[kind].get((namespace, name))

    def names(self, kind: Kind) -> list[Key]:
        """Namespace and name of all objects of a kind."""
        return list(self._objects[kind])

    def owned(self, key: Key) -> Iterator[tuple[Kind, Object]]:
        """The labelled children of a CakeDeployment, pods among them."""
        for (kind, _), obj in self._owned.get(key, {}).items():
            yield kind, obj

    def pods(self, key: Key) -> list[Object]:
        """The pods of a CakeDeployment."""
        return [obj for kind, obj in self.owned(key) if kind is PODS]

    def mounting(self, namespace: str, claim: str) -> list[Key]:
        """The CakeDeployments that name a claim."""
        return self._mounts.of(namespace, claim)

    def knows(self, kind: Kind, obj: Object) -> bool:
        """Whether this very version of an object is here already: what a watch tells of our own writes is no news."""
        old = self._objects[kind].get(key_of(obj))
        return old is not None and _version(old) == _version(obj)

    def put(self, kind: Kind, obj: Object) -> bool:
        """Keep `obj` unless what is here is newer. Returns whether it was kept."""
        key = key_of(obj)
        old = self._objects[kind].get(key)
        known = _version(old) if old is not None else self._seen.get(kind, 0)
        if _version(obj) < known or (old is None and _version(obj) == known):
            # Older than what is here; or gone already, since the watch has passed that version.
            return False
        if old is not None:
            self._disown(kind, old)
        self._objects[kind][key] = obj
        if (owner := owner_of(obj)) is not None:
            self._owned[owner][kind, key[1]] = obj
        if kind is CAKE_DEPLOYMENTS:
            self._mounts.note(key, obj)
        return True

    def refresh(self, kind: Kind, obj: Object) -> None:
        """Keep a newer version of an object that is here; one that is not may have been deleted meanwhile."""
        old = self.get(kind, *key_of(obj))
        if old is not None and old["metadata"]["uid"] == obj["metadata"]["uid"]:
            self.put(kind, obj)

    def drop(self, kind: Kind, obj: Object) -> bool:
        """Forget an object that was deleted, unless a newer one has its name. Returns whether it went."""
        old = self.get(kind, *key_of(obj))
        if old is None or _version(old) > _version(obj):
            return False
        del self._objects[kind][key_of(obj)]
        self._disown(kind, old)
        if kind is CAKE_DEPLOYMENTS:
            self._mounts.forget(key_of(obj))
        return True

    def forget(self, kind: Kind, obj: Object) -> None:
        """Forget an object that was found gone, if it is still the one that is here."""
        old = self.get(kind, *key_of(obj))
        if old is not None and old["metadata"]["uid"] == obj["metadata"]["uid"]:
            self.drop(kind, old)

    def passed(self, kind: Kind, version: str) -> None:
        """Note that the watch of `kind` has told all that happened up to `version`."""
        self._seen[kind] = int(version)

    def replace(self, kind: Kind, objects: Iterable[Object], version: str, notify: Callable[[Object], None]) -> None:
        """Take a complete list: what is not in it is gone. `notify` hears of each object that changed or went."""
        self._seen.pop(kind, None)  # a complete list is believed, whatever was dropped before it
        seen = set()
        for obj in objects:
            seen.add(key_of(obj))
            if not self.knows(kind, obj) and self.put(kind, obj):
                notify(obj)
        for gone in [obj for key, obj in self._objects[kind].items() if key not in seen]:
            if int(version) >= _version(gone) and self.drop(kind, gone):
                notify(gone)
        self.passed(kind, version)

    def _disown(self, kind: Kind, obj: Object) -> None:
        if (owner := owner_of(obj)) is None:
            return
        children = self._owned[owner]
        children.pop((kind, obj["metadata"]["name"]), None)
        if not children:
            del self._owned[owner]


def _version(obj: Object) -> int:
    """Of one kind in one cluster, resource versions grow: the API promises since 1.35 that they compare as numbers."""
    return int(obj["metadata"]["resourceVersion"])
