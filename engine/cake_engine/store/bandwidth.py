"""A cap on bytes per second that can change at any time. Pure: time comes in, waiting is the caller's."""

from __future__ import annotations

from typing import NamedTuple

from cake_engine.config import LiveConfig


class BandwidthCap:
    """A token bucket in its virtual-time form: the link that a capped transfer would have used.

    Each transfer occupies the link for its size over the rate and is due when it has left it, in order of asking, so a
    small transfer waits for what is ahead of it and never for its own size again and again. Within any window of w
    seconds at most `rate * (w + slack) + one transfer` bytes become due, whatever was asked for and however late the
    caller wakes.
    """

    def __init__(self, slack_seconds: float = 0.05) -> None:
        """A cap that has seen no transfer.

        Args:
            slack_seconds: How far the link may lag behind the clock and still catch up, so that late wake-ups and slow
                reads cost no bandwidth; what is lost beyond it stays lost.
        """
        self._slack = slack_seconds
        self._free_at = float("-inf")

    def due(self, size: int, rate: float | None, asked: float) -> float:
        """When a transfer may happen, if it is the next one.

        Args:
            size: Bytes.
            rate: Bytes per second; None for no cap.
            asked: When it was asked for, seconds.
        """
        return asked if rate is None else max(self._free_at, asked) + size / rate

    def take(self, size: int, rate: float | None, asked: float, now: float) -> None:
        """Account for a transfer that is happening; `now` is at or after its `due`."""
        self._free_at = now if rate is None else max(self.due(size, rate, asked), now - self._slack)


class Pace(NamedTuple):
    """How fast the transfers of one kind may be.

    Attributes:
        rate: Bytes per second at most; None without a cap.
        patience: How long writes rest, as `cake_engine.core.yielding` takes it; 0 for reads, which never do.
    """

    rate: float | None = None
    patience: float = 0.0


def pace_of_reads(live: LiveConfig, tier: str) -> Pace:
    """The knobs for reads of a tier."""
    return Pace(live.load_bandwidth_bytes_per_second.get(tier))


def pace_of_writes(live: LiveConfig, tier: str) -> Pace:
    """The knobs for writes to a tier."""
    return Pace(live.write_bandwidth_bytes_per_second.get(tier), live.write_rest)
