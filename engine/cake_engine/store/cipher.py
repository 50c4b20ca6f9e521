"""Blocks that only engines with a key can read: AES-256-GCM around what the codec made.

    offset  bytes
    0       12     nonce, drawn anew for each file
    12      all    ciphertext, as long as what the codec made, then the tag of 16 bytes

The tag covers the fields of the file's header as well, the block's name and fingerprint among them, so nobody without
the key puts one block in the place of another. Keys are derived from a secret, which may be a tenant's salt as well.
Source: NIST SP 800-38D; with nonces drawn by chance a key is good for 2^32 files, which is petabytes of blocks.
"""

from __future__ import annotations

import os
from typing import Final

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cake_engine.config import StaticConfig
from cake_engine.store.secret import read_secret

OVERHEAD_BYTES: Final = 28
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_IDENTITY: Final = "cake.dev 2026-11-23 identity of an encryption key"
_KEY: Final = "cake.dev 2026-11-23 AES-256-GCM key of blocks"


class Cipher:
    """One key; called from many threads at once.

    Attributes:
        identity: Algorithm and 32 hexadecimal digits, in the fingerprint: another key is another key space.
    """

    def __init__(self, secret: bytes) -> None:
        """Derive the key from a secret, which is not kept.

        Args:
            secret: Bytes that nobody can guess.
        """
        self.identity = f"AES-256-GCM-{blake3(secret, derive_key_context=_IDENTITY).hexdigest(16)}"
        self._aes = AESGCM(blake3(secret, derive_key_context=_KEY).digest(_KEY_BYTES))

    def encrypt(self, payload: memoryview, header: memoryview) -> None:
        """Encrypt in place.

        Args:
            payload: What to encrypt, then `OVERHEAD_BYTES` of room.
            header: What the tag covers as well.
        """
        nonce = os.urandom(_NONCE_BYTES)
        payload[_NONCE_BYTES:] = self._aes.encrypt(nonce, payload[:-OVERHEAD_BYTES], header)
        payload[:_NONCE_BYTES] = nonce

    def decrypt(self, payload: memoryview, header: memoryview) -> memoryview:
        """What was encrypted.

        Args:
            payload: As `encrypt` left it.
            header: As it was then.

        Raises:
            ValueError: It was not, or not with this key and header.
        """
        if payload.nbytes < OVERHEAD_BYTES:
            raise ValueError(f"{payload.nbytes} bytes are too few for a nonce and a tag")
        try:
            return memoryview(self._aes.decrypt(payload[:_NONCE_BYTES], payload[_NONCE_BYTES:], header))
        except InvalidTag:
            raise ValueError("the tag is not that of this key and header") from None


def cipher_of(static: StaticConfig) -> Cipher | None:
    """The cipher of an engine; None where blocks lie as they are.

    Raises:
        ConfigError: Its configuration names a key that cannot be used.
    """
    file = static.encryption_key_file
    return None if file is None else Cipher(read_secret(file, "the encryption key"))
