"""Tenants of one tier: what one of them stored is found under its salt, and not without it.

A block's key is a hash of tokens. Where everybody names blocks by their keys, whoever can send a prompt learns from the
time to the first token whether somebody else has sent it, and whoever can list the folder learns it from the names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from blake3 import blake3

from cake_engine.config import StaticConfig
from cake_engine.store.keys import key_at, position_of
from cake_engine.store.secret import read_secret

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
        return cls(read_secret(path, "the tenant's salt"))

    def name_of(self, key: bytes) -> bytes:
        """What a block is called on a tier: 32 bytes that tell nobody without the salt its key, then its position."""
        return key_at(blake3(key, key=self._names).digest(), position_of(key))


def tenant_of(static: StaticConfig) -> Tenant | None:
    """The tenant of an engine; None where its configuration names none.

    Raises:
        ConfigError: It names one whose salt cannot be used. Going on without would show its blocks to everybody.
    """
    return None if static.salt_file is None else Tenant.read(static.salt_file)
