"""What the Deployments went through: a fleet that is whole again in the end may have lost its pods on the way."""

import asyncio
import collections
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import aiohttp

from cake_operator.apply.kinds import DEPLOYMENTS
from tests.faults.administrator import Administrator

Object = dict[str, Any]


@dataclass
class History:
    """What became of one subject's Deployment.

    Attributes:
        replicas: The numbers that it asked for, each once in a row.
        uids: Its identities: more than one means that it was made anew.
        deleted: Whether it went.
    """

    replicas: list[int] = field(default_factory=list)
    uids: set[str] = field(default_factory=set)
    deleted: bool = False

    def note(self, event: str, deployment: Object) -> None:
        """Take down what a watch tells."""
        self.uids.add(deployment["metadata"]["uid"])
        self.deleted = self.deleted or event == "DELETED"
        number = deployment["spec"].get("replicas", 1)
        if self.replicas[-1:] != [number]:
            self.replicas.append(number)

    def losses(self, fewest: int, *, may_go: bool) -> list[str]:
        """What was lost, in words.

        Args:
            fewest: Below this the number must never have been.
            may_go: Whether it was to be deleted.
        """
        found = []
        if self.replicas and min(self.replicas) < fewest:
            found.append(f"there were {min(self.replicas)} replicas for a while, {fewest} at least were asked for")
        if self.deleted and not may_go:
            found.append("its Deployment was deleted")
        if len(self.uids) > 1 and not may_go:
            found.append("its Deployment was made anew")
        return found


class Witness:
    """Sees all Deployments, whoever writes them.

    Attributes:
        histories: By subject.
    """

    def __init__(self, administrator: Administrator) -> None:
        self.histories: dict[tuple[str, str], History] = collections.defaultdict(History)
        self._administrator = administrator

    async def see(self, namespace: str | None) -> NoReturn:
        """See until cancelled. A watch that ends is begun anew, and begins with all that is there."""
        while True:
            with suppress(aiohttp.ClientError, KeyError):
                async for event, deployment in self._administrator.watch(DEPLOYMENTS, namespace):
                    meta = deployment["metadata"]
                    self.histories[meta["namespace"], meta["name"]].note(event, deployment)
            await asyncio.sleep(0.2)
