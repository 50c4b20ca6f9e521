"""Which CakeDeployments name a claim: whom a change of it concerns, and who shares it."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

from cake_operator.render.naming import claim_name

__all__ = ["Mounts", "claims_named", "tier_claims"]

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name of an object."""


def claims_named(stored: Object) -> frozenset[str]:
    """The claims that a CakeDeployment names, as stored: its spec need not be readable otherwise."""
    return frozenset(_named(stored["metadata"]["name"], _object(stored.get("spec"))))


def _named(name: str, spec: Object) -> Iterator[str]:
    model = _object(_object(_object(spec.get("model")).get("source")).get("persistentVolumeClaim"))
    if model:
        yield str(model.get("claimName"))
    yield from (claim for _, claim in _of_tiers(name, spec))


def tier_claims(stored: Object) -> Iterator[tuple[str, str]]:
    """Each tier of a CakeDeployment, as stored, that lies on a claim, and that claim."""
    return _of_tiers(stored["metadata"]["name"], _object(stored.get("spec")))


def _of_tiers(name: str, spec: Object) -> Iterator[tuple[str, str]]:
    for tier in spec.get("kvTiers") or ():
        claim = _object(_object(tier).get("persistentVolumeClaim"))
        if claim:
            yield str(tier.get("name")), str(claim.get("claimName") or claim_name(name, str(tier.get("name"))))


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


class Mounts:
    """The claims of each CakeDeployment as last seen, and back."""

    def __init__(self) -> None:
        self._claims: dict[Key, frozenset[str]] = {}
        self._users: dict[Key, set[Key]] = collections.defaultdict(set)

    def note(self, key: Key, stored: Object) -> None:
        """Keep what a CakeDeployment names now."""
        claims = claims_named(stored)
        if claims == self._claims.get(key):
            return  # most changes are of status
        self.forget(key)
        self._claims[key] = claims
        for claim in claims:
            self._users[key[0], claim].add(key)

    def forget(self, key: Key) -> None:
        """Give up a CakeDeployment that is gone."""
        for claim in self._claims.pop(key, ()):
            users = self._users[key[0], claim]
            users.discard(key)
            if not users:
                del self._users[key[0], claim]

    def of(self, namespace: str, claim: str) -> list[Key]:
        """The CakeDeployments that name a claim, in order."""
        return sorted(self._users.get((namespace, claim), ()))
