"""Whether blocks are encrypted where they are stored, and by whose key."""

from __future__ import annotations

from pydantic import Field

from cake_operator.api.rules import SpecPart
from cake_operator.api.secret_key import SecretKey


class EncryptionSpec(SpecPart):
    """Blocks are encrypted (AES-256-GCM) on every tier below memory."""

    key_secret_ref: SecretKey = Field(
        description="Where the key is: 32 to 4096 bytes that nobody can guess. Under another key, blocks are not found:"
        " to change it name another Secret, and what was stored leaves by age."
    )
