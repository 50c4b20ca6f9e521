"""Brings the children of one CakeDeployment to what was rendered."""

from __future__ import annotations

from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.client import ApiError, Client
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, kind_of
from cake_operator.apply.pruning import prune
from cake_operator.apply.serverside import Applier, ForeignObjectError
from cake_operator.status.troubles import Trouble

__all__ = ["OwnerGoneError", "apply_children"]

REFUSALS = frozenset({400, 403, 404, 409, 422})
"""Answers that a repetition does not change: the user must hear of them."""


class OwnerGoneError(Exception):
    """The CakeDeployment is no longer there: nothing may be made for it."""


async def apply_children(client: Client, cache: Cache, key: Key, uid: str, desired: list[Object]) -> list[Trouble]:
    """Apply each object that differs, then delete what is no longer wanted.

    One that is refused does not hold up the others.

    Returns:
        What was refused, for the user.

    Raises:
        OwnerGoneError: The CakeDeployment was deleted meanwhile.
        ApiError: The API server cannot do it now: try again later.
    """
    if any(cache.get(kind_of(obj), key[0], obj["metadata"]["name"]) is None for obj in desired):
        # A watch that broke may have missed the deletion. A child made now would be collected as an orphan at once,
        # its deletion would bring us back here, and so on for ever.
        await _confirm_owner(client, key, uid)
    applier = Applier(client, cache)
    troubles = []
    for obj in desired:
        try:
            await applier.apply(obj)
        except ForeignObjectError as error:
            troubles.append(Trouble("NameTaken", str(error)))
        except ApiError as error:
            if error.status not in REFUSALS:
                raise
            where = f"{obj['kind']} {obj['metadata']['name']}"
            troubles.append(Trouble("ApplyRefused", f"{where}: {error.message}"))
    await prune(client, cache, key, uid, desired)
    return troubles


async def _confirm_owner(client: Client, key: Key, uid: str) -> None:
    owner = await client.get(CAKE_DEPLOYMENTS, *key)
    if owner is None or owner["metadata"]["uid"] != uid or owner["metadata"].get("deletionTimestamp"):
        raise OwnerGoneError(f"{key[0]}/{key[1]} was deleted")
