"""How long a chunk has to be, so that its file is worth a device's while. Pure."""

from __future__ import annotations

from typing import Final

WORTHWHILE_BYTES: Final = 1 << 20
"""Of a file: below it disks and network volumes spend more on the request than on the bytes."""
LONGEST_TOKENS: Final = 256
"""Of a chunk that is advised: a prefix is found by whole chunks, and compute and loads meet at one's edge."""


def advised(tokens: int, size: int) -> int | None:
    """Tokens that make a chunk worth its file: what it has now, doubled until it is.

    Args:
        tokens: Of a chunk now.
        size: Its bytes.

    Returns:
        None where it is large enough, and where the model is so small that no sensible chunk would be.
    """
    times = 1 << (-(-WORTHWHILE_BYTES // size) - 1).bit_length()
    return times * tokens if 1 < times <= LONGEST_TOKENS // tokens else None
