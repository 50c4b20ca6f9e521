"""What loads from one tier cost here and now, learned from every read.

As many reads are served at once as the tier has readers. Such a batch takes latency + its bytes / bandwidth: latency is
paid once by all that are served together, bandwidth by each. Batches are what is learned from rather than single reads,
since it does not matter then whether a tier serves its readers in turn or all of them slowly.
"""

from __future__ import annotations

from collections.abc import Callable

from cake_engine.core.regression import Regression

_PRIOR = (0.005, 1 / 200e6)
"""5 ms and 200 MB/s: a network volume. Only the ratio matters, the first read sets the scale."""
_SHARE_WEIGHT = 1 / 16


class TierCost:
    """Seconds of reads from one tier, by how many go on at once.

    Attributes:
        readers: Reads that the tier serves at once.
        share: Bytes that the tier moves for a byte of a block, lately: below 1 with a codec that makes it smaller.
    """

    def __init__(self, readers: int = 1) -> None:
        """Start with no knowledge.

        Args:
            readers: Reads that the tier serves at once; the rest waits.
        """
        self.readers, self.share = readers, 1.0
        self._batch = 2 * readers if readers > 1 else 1  # two rounds, or the readers' own jitter is what is measured
        self._model = Regression(_PRIOR)
        self._reads = self._bytes = 0
        self._since, self._continued = 0.0, False

    @property
    def error(self) -> float | None:
        """Relative error of its predictions of batches, lately; None before there were two."""
        return self._model.error

    @property
    def known(self) -> bool:
        """Whether there was a batch."""
        return self._model.observations > 0

    def observe(self, size: int, began: float, ended: float, *, busy: bool) -> None:
        """Learn from one read.

        Args:
            size: Its bytes.
            began: When its turn came, in seconds.
            ended: When it was there.
            busy: Whether other reads are in service at its end.
        """
        if self._reads == 0 and not self._continued:
            self._since = began
        self._reads += 1
        self._bytes += size
        full = self._reads >= self._batch
        # The few that end after a full batch were served with it: alone they would look as if they took no time.
        if full or not (busy or self._continued):
            self._model.observe((max(1.0, self._reads / self.readers), float(self._bytes)), ended - self._since)
        if full or not busy:
            self._reads = self._bytes = 0
            self._since, self._continued = ended, busy

    def observe_share(self, moved: int, size: int) -> None:
        """Learn how many bytes went over the wire for a block of `size`."""
        self.share += _SHARE_WEIGHT * (moved / size - self.share)

    def curve(self, size: int, cap: float | None = None) -> Callable[[int], float] | None:
        """The time until so many blocks have arrived, all asked for now, as a function of how many; None if not known.

        Args:
            size: Bytes of one block.
            cap: Bytes per second that must not be exceeded, if there is such a cap.
        """
        if not self.known:
            return None
        latency, byte = self._model.weights
        block = max(size * byte, size * self.share / cap - latency / self.readers if cap else 0.0)

        def seconds(blocks: int) -> float:
            return latency * max(1.0, blocks / self.readers) + blocks * block if blocks > 0 else 0.0

        return seconds

    def seconds(self, blocks: int, size: int, cap: float | None = None) -> float | None:
        """One value of the `curve`."""
        curve = self.curve(size, cap)
        return curve(blocks) if curve else None
