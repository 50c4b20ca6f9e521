"""Writes give way: how long a tier's writer rests after a write, so that reads go first, whoever's they are.

No engine sees what other pods read. But all that use a volume share it, so that its own writes take longer while they
do, and that it sees at once. After a write that took longer than one does on a quiet volume, a writer rests for a
multiple of the difference: LEDBAT's idea (RFC 6817) for files. On a quiet volume it never rests, what others leave it
takes within a write, and beside many transfers that do not rest it takes of an equal part one over one more than the
multiple (the knob `writeRest`), never nothing.
"""

from __future__ import annotations

from collections import deque

JITTER = 1.5
"""Times its shortest that a write may take without a rest: a quiet volume is not always equally fast."""
TARGET_SECONDS = 0.02
"""By which it may take longer at least: what a small file waits for an interpreter or a server says nothing."""
EPOCH_SECONDS = 60.0
EPOCHS = 10
"""Of which the shortest is remembered, among those with writes: a volume that has become slower is learned by then."""


class Yielding:
    """Follows what the writes to one tier take."""

    def __init__(self) -> None:
        """Start with no knowledge: the first write is taken for one on a quiet volume."""
        self._shortest: deque[tuple[int, float]] = deque(maxlen=EPOCHS)

    def rest(self, size: int, took: float, now: float, *, patience: float, together: int = 1) -> float:
        """Seconds for which the writer of this write should not begin another.

        Args:
            size: Its bytes, more than 0.
            took: Its seconds in the file system, of which some are another's.
            now: When it ended, in seconds.
            patience: Seconds of rest for each second that it took longer than it might have.
            together: Writes of this engine that were in the file system with it, itself among them: these may take
                each other's time.
        """
        epoch, pace = int(now // EPOCH_SECONDS), took / size
        if self._shortest and self._shortest[-1][0] == epoch:
            pace = min(pace, self._shortest.pop()[1])
        self._shortest.append((epoch, pace))
        quiet = together * size * min(shortest for _, shortest in self._shortest)
        return patience * max(0.0, took - max(JITTER * quiet, quiet + TARGET_SECONDS))
