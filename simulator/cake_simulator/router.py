"""Which replica a request goes to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random

from cake_simulator.replica import Replica
from cake_simulator.trace import Request


class Routing(StrEnum):
    """How a replica is chosen."""

    RANDOM = "random"
    """Any: a Kubernetes Service."""
    LEAST = "least"
    """The one with the fewest requests: a gateway that knows."""
    SESSION = "session"
    """The same one for the requests of a conversation, as long as there are as many replicas."""


def choose(routing: Routing, ready: Sequence[Replica], request: Request, random: Random) -> Replica:
    """The replica for a request.

    Args:
        routing: How.
        ready: At least one.
        request: What has come.
        random: Where chance comes from.
    """
    match routing:
        case Routing.RANDOM:
            return random.choice(ready)
        case Routing.LEAST:
            return min(ready, key=lambda replica: replica.in_flight)
        case Routing.SESSION:
            return ready[Random(request.session).randrange(len(ready))]
