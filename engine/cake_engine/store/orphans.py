"""Key spaces that nobody uses any more: of a model, a revision, a codec or a format that has been given up.

Pure: what is there, who lives and the time come in.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from cake_engine.store.listing import Listing

ORPHAN_SECONDS = 3600.0
"""Since the last use of any of its blocks: a fleet that restarts, or is rolled back, finds what it had."""


def orphaned(files: Listing, alive: Collection[str] | None, now: float) -> frozenset[str]:
    """The key spaces whose blocks leave before all others.

    Args:
        files: All of the tier.
        alive: Key spaces of the engines that live; None where one of them does not say, as older ones do not: then
            nobody can be sure that nobody uses a key space.
        now: By the clock of the file system that keeps the files' times.
    """
    if alive is None:
        return frozenset()
    last = np.full(len(files.key_spaces), np.nan)  # what has no blocks stays so, and is older than nothing
    blocks = ~files.temporary
    np.fmax.at(last, files.key_space[blocks], files.used[blocks])
    old = now - last > ORPHAN_SECONDS
    return frozenset(space for space, its in zip(files.key_spaces, old, strict=True) if its and space not in alive)
