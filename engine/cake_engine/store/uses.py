"""How often each block of a tier was used again, as far as one collector has seen it from count to count.

A file says when it was last used, and not how often. So counts are compared: a time that has moved is a use, or several
within the minute in which times are not renewed. It takes 17 bytes for each block; who is elected next begins anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cake_engine.core.retention import MOST_USES
from cake_engine.store.listing import Listing


class Uses:
    """Remembers the times of all blocks from one count to the next, by a hash of their names; not for threads."""

    def __init__(self) -> None:
        self._names: NDArray[np.int64] = np.empty(0, np.int64)
        self._used: NDArray[np.float64] = np.empty(0, np.float64)
        self._counts: NDArray[np.uint8] = np.empty(0, np.uint8)

    def __len__(self) -> int:
        return len(self._names)

    def count(self, files: Listing) -> list[int]:
        """Take in a count of the whole tier.

        Returns:
            For each of the files, how often it was seen to be used again: up to `MOST_USES`.
        """
        names, used = files.hashes, files.used
        counts = np.zeros(len(files), np.uint8)
        if len(self._names):
            place = np.minimum(np.searchsorted(self._names, names), len(self._names) - 1)
            known = self._names[place] == names
            counts[known] = np.minimum(self._counts[place] + (used > self._used[place]), MOST_USES)[known]
        order = np.argsort(names)
        self._names, self._used, self._counts = names[order], used[order], counts[order]
        return counts.tolist()
