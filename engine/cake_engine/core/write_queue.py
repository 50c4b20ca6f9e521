"""How many blocks may wait to be written: until then they hold memory, from which nothing can be evicted for them."""

from __future__ import annotations

MEMORY_SHARE = 0.25
"""Of the primary tier that blocks waiting to be written may keep from being evicted."""
FEWEST = 8


def write_room(blocks: int) -> int:
    """Blocks that may wait for one tier; those beyond it are not stored.

    Args:
        blocks: That the primary tier holds.
    """
    return max(FEWEST, int(MEMORY_SHARE * blocks))
