"""Brings the children of one CakeDeployment to what was rendered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.client import Client
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CHILDREN, Kind, kind_of
from cake_operator.apply.marks import Mark, mark_of
from cake_operator.apply.ownership import attached
from cake_operator.apply.pruning import delete, unwanted
from cake_operator.apply.secrets import make_once
from cake_operator.apply.serverside import Applier, ForeignObjectError
from cake_operator.status.troubles import Trouble

__all__ = ["Children", "OwnerGoneError"]

logger = logging.getLogger(__name__)

REFUSALS = frozenset({400, 403, 404, 422})
"""Answers that a repetition does not change: the user must hear of them."""


Place = tuple[Kind, str]
"""Kind and name of a child."""


@dataclass(frozen=True)
class _Look:
    """What the last look at all children found, or made of them; while that holds, another would find the same.

    Attributes:
        order: What they were rendered from.
        closely: Whether a change of their status is one, too.
        marks: Of each child.
    """

    order: Sequence[Any]
    closely: bool
    marks: Mapping[Place, Mark]


class OwnerGoneError(Exception):
    """The CakeDeployment is no longer there, or goes with its namespace: nothing may be made for it."""


class Children:
    """The children of all CakeDeployments."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self._client = client
        self._cache = cache
        self._applier = Applier(client, cache)
        self._settled: dict[Key, _Look] = {}
        self._refused: dict[Key, list[Trouble]] = {}

    def settled(self, key: Key, order: Sequence[Any]) -> bool:
        """Whether the children are as ordered: the last look at that order made them so, and none has changed since.

        Args:
            key: The CakeDeployment.
            order: What its children are rendered from, as `bring_to` was given it.
        """
        last = self._settled.get(key)
        return last is not None and last == _Look(order, last.closely, self._marks(key, closely=last.closely))

    def forget(self, key: Key) -> None:
        """Give up what is remembered of a CakeDeployment that is gone."""
        self._settled.pop(key, None)
        self._refused.pop(key, None)

    async def bring_to(
        self, key: Key, uid: str, order: Sequence[Any], desired: list[Object], secrets: Sequence[Object] = ()
    ) -> list[Trouble]:
        """Make Secrets that are not there, apply each child that differs, then delete what is no longer wanted.

        One that is refused does not hold up the others.

        Args:
            key: The CakeDeployment.
            uid: That very one: what belonged to another of its name is not touched.
            order: What the children were rendered from: equal orders have equal children.
            desired: All its children.
            secrets: What its pods need and nobody reads; they are no children and stay as they are.

        Returns:
            What was refused, for the user.

        Raises:
            OwnerGoneError: The CakeDeployment was deleted meanwhile, or its namespace.
            ApiError: The API server cannot do it now: try again later.
        """
        seen = ((self._cache.get(kind_of(obj), key[0], obj["metadata"]["name"]), obj) for obj in desired)
        if not all(attached(live, obj) for live, obj in seen):
            # A watch that broke may have missed the deletion. A child given to an owner that is gone would be collected
            # at once, its deletion would bring us back here, and so on for ever.
            await self._confirm_owner(key, uid)
        # A Secret that was deleted shows in pods that wait for it, and they in the status of their Deployment.
        closely, troubles = bool(secrets), []
        marks = self._marks(key, closely=closely)
        wanted = {(kind_of(obj), obj["metadata"]["name"]): obj for obj in desired}
        looked = {place: mark for place, mark in marks.items() if place not in wanted}
        for secret in secrets:
            try:
                await make_once(self._client, secret)
            except ApiError as error:
                troubles.append(_refusal("ApplyRefused", secret, error))
        for place, obj in wanted.items():
            try:
                found = await self._applier.apply(obj, unchanged=self._unchanged(key, place, closely=closely))
            except ForeignObjectError as error:
                troubles.append(Trouble("NameTaken", str(error)))
            except ApiError as error:
                troubles.append(_refusal("ApplyRefused", obj, error))
            else:
                if found is not None:
                    looked[place] = mark_of(found, closely=closely)
        leaving = unwanted(self._cache, key, uid, desired)
        for obj in leaving:
            try:
                await delete(self._client, self._cache, key, obj)
            except ApiError as error:
                troubles.append(_refusal("DeleteRefused", obj, error))
        complete = wanted.keys() <= looked.keys() and not troubles and not leaving
        if complete and looked == self._marks(key, closely=closely):  # nobody has changed one meanwhile
            self._settled[key] = _Look(order, closely, looked)
        self._log(key, troubles)
        return troubles

    def _log(self, key: Key, troubles: list[Trouble]) -> None:
        """Log what is refused, once: it is asked for at every look."""
        if troubles != self._refused.get(key, []):
            for trouble in troubles:
                logger.warning("%s/%s: %s: %s", *key, trouble.reason, trouble.message)
        self._refused[key] = troubles

    def _unchanged(self, key: Key, place: Place, *, closely: bool) -> bool:
        """Whether a child is still what the last look made of it, for another order than that of now."""
        last, live = self._settled.get(key), self._cache.get(place[0], key[0], place[1])
        return last is not None and live is not None and last.marks.get(place) == mark_of(live, closely=closely)

    def _marks(self, key: Key, *, closely: bool) -> dict[Place, Mark]:
        """The marks of the children as last seen."""
        owned = self._cache.owned(key)
        return {
            (kind, obj["metadata"]["name"]): mark_of(obj, closely=closely) for kind, obj in owned if kind in CHILDREN
        }

    async def _confirm_owner(self, key: Key, uid: str) -> None:
        owner = await self._client.get(CAKE_DEPLOYMENTS, *key)
        if owner is None or owner["metadata"]["uid"] != uid or owner["metadata"].get("deletionTimestamp"):
            raise OwnerGoneError(f"{key[0]}/{key[1]} was deleted")


def _refusal(reason: str, obj: Object, error: ApiError) -> Trouble:
    """The trouble that a refusal is; anything else is raised again."""
    if "NamespaceTerminating" in error.causes:
        # Each child that goes would bring us back here, to be refused all children anew.
        raise OwnerGoneError(error.message) from error
    if error.status not in REFUSALS:
        raise error
    return Trouble(reason, f"{obj['kind']} {obj['metadata']['name']}: {error.message}")
