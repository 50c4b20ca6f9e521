"""For commands that list blocks: those of one tenant alone, who is told by the file with its salt."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from cake_engine.commands.usage import UsageError
from cake_engine.config import ConfigError
from cake_engine.store.inventory import Holding
from cake_engine.store.tenant import Tenant

SHOWN = 8
"""Digits of a tenant's identity that tell a few of them apart."""


def salt_argument(parser: argparse.ArgumentParser) -> None:
    """Add --salt."""
    parser.add_argument("--salt", type=Path, metavar="FILE", help="only the blocks of the tenant with this salt")


def of_tenant(found: Iterable[Holding], salt: Path | None) -> list[Holding]:
    """What is the tenant's; all of it where no salt is given.

    Raises:
        UsageError: The file holds no salt.
    """
    if salt is None:
        return list(found)
    identity = identity_of(salt)
    return [one for one in found if one.fingerprint.get("tenant") == identity]


def identity_of(salt: Path) -> str:
    """Of the tenant with this salt.

    Raises:
        UsageError: The file holds no salt.
    """
    try:
        return Tenant.read(salt).identity
    except ConfigError as error:
        raise UsageError(str(error)) from None
