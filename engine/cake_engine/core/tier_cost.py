"""What loads from one tier cost here and now, learned from every read.

Seconds of a read = latency + bytes that share the tier with it / bandwidth. Of reads that wait together as many are
served at once as the tier has readers, so latency is paid once by all of them and bandwidth by each.
"""

from __future__ import annotations

from collections.abc import Callable

from cake_engine.core.regression import Regression

_PRIOR = (0.005, 1 / 200e6)
"""5 ms and 200 MB/s: a network volume. Only the ratio matters, the first read sets the scale."""


class TierCost:
    """Seconds of reads from one tier, by how many go on at once."""

    def __init__(self, readers: int = 1) -> None:
        """Start with no knowledge.

        Args:
            readers: Reads that the tier serves at once; the rest waits.
        """
        self._readers = readers
        self._model = Regression(_PRIOR)

    @property
    def error(self) -> float | None:
        """Relative error of its predictions of single reads, lately; None before there were two."""
        return self._model.error

    @property
    def known(self) -> bool:
        """Whether there was a read."""
        return self._model.observations > 0

    def observe(self, size: int, seconds: float, together: int) -> None:
        """Learn from one read.

        Args:
            size: Its bytes.
            seconds: From its turn to its end.
            together: Reads that were in service with it, itself included.
        """
        self._model.observe((1.0, float(size * max(1, together))), seconds)

    def curve(self, size: int, cap: float | None = None) -> Callable[[int], float] | None:
        """The time until so many blocks have arrived, all asked for now, as a function of how many; None if not known.

        Args:
            size: Bytes of one block.
            cap: Bytes per second that must not be exceeded, if there is such a cap.
        """
        if not self.known:
            return None
        latency, byte = self._model.weights
        block = max(size * byte, size / cap - latency / self._readers if cap else 0.0)

        def seconds(blocks: int) -> float:
            return latency * max(1.0, blocks / self._readers) + blocks * block if blocks > 0 else 0.0

        return seconds

    def seconds(self, blocks: int, size: int, cap: float | None = None) -> float | None:
        """One value of the `curve`."""
        curve = self.curve(size, cap)
        return curve(blocks) if curve else None
