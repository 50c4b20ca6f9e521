"""Secrets that engines are given as files: read once, at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cake_engine.config import ConfigError

FEWEST_BYTES: Final = 32
MOST_BYTES: Final = 4096


def read_secret(path: str | Path, what: str) -> bytes:
    """The content of a file, which nobody can guess.

    Args:
        path: The file.
        what: What it holds, for the message, as in "the tenant's salt".

    Raises:
        ConfigError: It cannot be read, or is no secret by its length.
    """
    make = f"make one with head -c {FEWEST_BYTES} /dev/urandom > {path}."
    try:
        with Path(path).open("rb") as file:
            secret = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: {what} cannot be read ({error.strerror}): mount the Secret with it there, or {make}"
        ) from None
    if not FEWEST_BYTES <= len(secret) <= MOST_BYTES:
        found = len(secret) if len(secret) <= MOST_BYTES else f"more than {MOST_BYTES}"
        raise ConfigError(f"{path}: {what} has {FEWEST_BYTES} to {MOST_BYTES} bytes and this file has {found}: {make}")
    return secret
