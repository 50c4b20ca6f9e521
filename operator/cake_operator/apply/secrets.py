"""Secrets that pods need: made where there is none, left as they are, and read by nobody here."""

from __future__ import annotations

import logging

from cake_operator import instruments
from cake_operator.apply.client import Client, Object
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import SECRETS

__all__ = ["make_once"]

logger = logging.getLogger(__name__)


async def make_once(client: Client, secret: Object) -> None:
    """Make a Secret unless there is one of its name, whoever made that.

    Nothing is remembered: one that was deleted is made anew at the next look.

    Raises:
        ApiError: The API server refused.
    """
    try:
        await client.create(SECRETS, secret)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        return
    meta = secret["metadata"]
    instruments.WRITES.labels(SECRETS.name, "create").inc()
    logger.info("%s: made %s %s", meta["namespace"], SECRETS.name, meta["name"])
