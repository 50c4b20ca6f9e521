"""Whether a file is the whole, unharmed block that its place says; not even its time of last use is changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cake_engine.store.blockfile import BlockRejectedError, Reject, claims, unseal

GOOD: Final = "good"
GONE: Final = "gone"
UNREADABLE: Final = "unreadable"


def verify(path: str) -> str:
    """Check one file.

    Returns:
        `GOOD`; `GONE` when it was evicted meanwhile; `UNREADABLE` when the file system fails; or the `Reject` value.
    """
    try:
        content = memoryview(Path(path).read_bytes())
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNREADABLE
    try:
        codec, fingerprint = claims(content)
        if not os.path.dirname(os.path.dirname(path)).endswith(f"-{fingerprint.hex()[:24]}"):
            return Reject.FINGERPRINT.value
        unseal(content, codec=codec, fingerprint=fingerprint, key=bytes.fromhex(Path(path).stem))
    except BlockRejectedError as error:
        return error.reason.value
    except ValueError:  # its name is no key
        return Reject.FINGERPRINT.value
    return GOOD
