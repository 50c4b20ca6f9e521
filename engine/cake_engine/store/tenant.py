"""Tenants of one tier: what one of them stored is found under its salt, and not without it.

A block's key is a hash of tokens. Where everybody names blocks by their keys, whoever can send a prompt learns from the
time to the first token whether somebody else has sent it, and whoever can list the folder learns it from the names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from blake3 import blake3

from cake_engine.config import ConfigError, StaticConfig

FEWEST_SALT_BYTES: Final = 32
_MOST_SALT_BYTES: Final = 4096
_IDENTITY: Final = "cake.dev 2026-11-23 identity of a tenant"
_NAMES: Final = "cake.dev 2026-11-23 names of a tenant's blocks"


class Tenant:
    """One tenant, known by nothing but its salt. Source: the key derivation and the keyed mode of BLAKE3.

    Attributes:
        identity: 32 hexadecimal digits, in the fingerprint and so in the folder's name; tells nothing of the salt.
    """

    def __init__(self, salt: bytes) -> None:
        """Derive from a salt what is needed of it; the salt itself is not kept.

        Args:
            salt: Bytes that nobody can guess.
        """
        self.identity: str = blake3(salt, derive_key_context=_IDENTITY).hexdigest(16)
        self._names = blake3(salt, derive_key_context=_NAMES).digest()

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The tenant whose salt is the content of a file.

        Raises:
            ConfigError: The file cannot be read, or holds no salt.
        """
        try:
            with Path(path).open("rb") as file:
                salt = file.read(_MOST_SALT_BYTES + 1)
        except OSError as error:
            raise ConfigError(
                f"{path}: the tenant's salt cannot be read ({error.strerror}): mount the tenant's Secret there, or make"
                f" one with head -c {FEWEST_SALT_BYTES} /dev/urandom > {path}."
            ) from None
        if not FEWEST_SALT_BYTES <= len(salt) <= _MOST_SALT_BYTES:
            found = len(salt) if len(salt) <= _MOST_SALT_BYTES else f"more than {_MOST_SALT_BYTES}"
            raise ConfigError(
                f"{path}: a tenant's salt has {FEWEST_SALT_BYTES} to {_MOST_SALT_BYTES} bytes and this one has {found}:"
                f" make one with head -c {FEWEST_SALT_BYTES} /dev/urandom > {path}."
            )
        return cls(salt)

    def name_of(self, key: bytes) -> bytes:
        """The 32 bytes by which a block is called on a tier: without the salt nobody can tell of which key."""
        return blake3(key, key=self._names).digest()


def tenant_of(static: StaticConfig) -> Tenant | None:
    """The tenant of an engine; None where its configuration names none.

    Raises:
        ConfigError: It names one whose salt cannot be used. Going on without would show its blocks to everybody.
    """
    return None if static.salt_file is None else Tenant.read(static.salt_file)
