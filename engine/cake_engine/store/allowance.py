"""Room that one engine may write into: drawn from the ledger in good parts, spent file by file."""

from __future__ import annotations

import threading

from cake_engine.store.ledger import Ledger


class Allowance:
    """Every byte drawn is free, in flight or written, until it is reported as written; called from many threads."""

    def __init__(self, ledger: Ledger) -> None:
        """Hold nothing yet.

        Args:
            ledger: Of the tier.
        """
        self._ledger = ledger
        self._counts = threading.Lock()
        self._asking = threading.Lock()
        """Held while the ledger is asked, which takes a file system's time; `_counts` never is."""
        self._free = self._in_flight = self._written = 0

    @property
    def unreported(self) -> int:
        """Bytes written that the ledger has not been told of."""
        return self._written

    def take(self, size: int) -> bool:
        """Room for one file, drawn if need be; False when the tier has none.

        Raises:
            OSError: The ledger could not be reached.
        """
        if self._spend(size):
            return True
        with self._asking:
            if self._spend(size):  # another thread has drawn meanwhile
                return True
            granted = self._report(ask=size)
            if not granted:
                return False
            with self._counts:  # in one go, or another thread would take it and this one be told that there is no room
                self._free += granted - size
                self._in_flight += size
            return True

    def settle(self, reserved: int, written: int) -> None:
        """A file was written, or not: 0 when it failed."""
        with self._counts:
            self._in_flight -= reserved
            self._written += written
            self._free += reserved - written

    def report(self) -> None:
        """Tell the ledger what was written, and that this engine lives.

        Raises:
            OSError: The ledger could not be reached; it is told the next time.
        """
        with self._asking:
            self._report(ask=0)

    def close(self) -> None:
        """Give back what is free, and report for the last time.

        Raises:
            OSError: The ledger could not be reached; it finds out by itself.
        """
        with self._asking:
            with self._counts:
                self._free = 0
            self._report(ask=0)
            self._ledger.close()

    def _spend(self, size: int) -> bool:
        with self._counts:
            if size > self._free:
                return False
            self._free -= size
            self._in_flight += size
            return True

    def _report(self, ask: int) -> int:
        with self._counts:
            held, written = self._free + self._in_flight, self._written
            self._written = 0
        try:
            return self._ledger.report(held=held, written=written, ask=ask)
        except BaseException:
            with self._counts:
                self._written += written
            raise
