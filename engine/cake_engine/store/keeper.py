"""One engine's part in holding a tier to its capacity, which several engines write.

Each draws room from the tier's books before it writes, so together they never write more than there is room for. One of
them is elected to count the whole tier and remove what leaves. When it dies, another takes its place within a moment;
until then what was drawn can still be written, and no more.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from cake_engine.store import pins
from cake_engine.store.allowance import Allowance
from cake_engine.store.collector import Collector
from cake_engine.store.eviction import Limits
from cake_engine.store.ledger import Ledger

logger = logging.getLogger(__name__)

Refusal = Literal["capacity", "uncounted"]

_FIRST_COUNT_SECONDS = 2.0
_POLL_SECONDS = 0.5
_FEWEST_POLL_SECONDS = 0.02
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Keeper:
    """What writers of this engine ask, and a thread that reports, and counts and removes where it is elected."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        limits: Limits,
        *,
        on_evicted: Callable[[int], None],
        interval_seconds: float = 30.0,
        key_space: str | None = None,
    ) -> None:
        """Hold nothing yet; the caller starts the thread, or tends the tier himself.

        Args:
            root: Folder of the tier; may not exist yet.
            limits: What it may hold.
            on_evicted: Told how many files were removed, from the thread.
            interval_seconds: Between counts, at least, while there is room.
            key_space: Folder of the blocks that this engine uses; "" for who uses none, None for who does not say.
        """
        self._root = Path(root)
        self._ledger = Ledger(self._root, limits.capacity_bytes, key_space)
        self._allowance = Allowance(self._ledger)
        self._collector = Collector(self._root, limits, self._ledger, on_evicted, interval_seconds)
        self._used = 0
        self._counted = threading.Event()
        self._patient_until = time.monotonic() + _FIRST_COUNT_SECONDS
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._fault: OSError | None = None
        self._pins: dict[tuple[str, str], Sequence[bytes]] = {}
        self._thread = threading.Thread(target=self._run, name="cake-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def used_bytes(self) -> int:
        """On the tier by all that write it, as far as this engine knows."""
        return self._used + self._allowance.unreported

    def admit(self, size: int) -> Refusal | None:
        """Reserve room for one file, or say why there is none; then room is being made.

        A new engine waits for the first count, for a moment: to write before it would be to write blindly.

        Raises:
            OSError: The tier's books could not be reached.
        """
        if not self._counted.wait(max(0.0, self._patient_until - time.monotonic())):
            if self._fault is not None:
                raise self._fault
            return "uncounted"
        if self._allowance.take(size):
            return None
        self._wake.set()
        return "capacity"

    def settle(self, reserved: int, written: int) -> None:
        """Correct a reservation by what was really written: 0 when the write failed."""
        self._allowance.settle(reserved, written)

    def pin(self, key_space: str, name: str, keys: Sequence[bytes]) -> None:
        """Have a pin made soon; returns at once.

        Args:
            key_space: Folder of the fingerprint.
            name: As `pins.NAME_PATTERN` has it.
            keys: Of the blocks on the tier, head first.
        """
        self._pins[key_space, name] = keys
        self._wake.set()

    def stop(self) -> None:
        """End the thread, unless a file system holds it; then it ends by itself."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.tend()
                self._fault = None
            except OSError as error:
                if self._fault is None or self._fault.errno != error.errno:
                    logger.error(
                        "Capacity of %s cannot be kept now, so little or nothing is written: %s", self._root, error
                    )
                self._fault = error
            self._wake.wait(_POLL_SECONDS)
            self._stopping.wait(_FEWEST_POLL_SECONDS)
        try:
            self._allowance.close()
        except OSError as error:
            logger.warning(
                "Room in %s was not given back (%s); others will see that this engine ended", self._root, error
            )

    def tend(self) -> None:
        """Make pins, report what there is to report, and count and remove where it is this engine's turn.

        Raises:
            OSError: The tier's books could not be reached, or its files not be counted.
        """
        self._make_pins()
        accounts = self._ledger.read()
        if self._allowance.unreported or not self._ledger.knows(accounts):
            self._report()
            accounts = self._ledger.read()
        if self._collector.due(accounts) and self._ledger.elected():
            self._collector.collect()
            accounts = self._ledger.read()
        if accounts.used is not None:
            self._used = accounts.used
            self._counted.set()

    def _make_pins(self) -> None:
        for key_space, name in list(self._pins):
            keys = self._pins.pop((key_space, name))
            try:
                pins.write(key_space, name, keys)
            except (OSError, ValueError) as error:
                logger.warning("The pin %s could not be made: %s; send its request again", name, error)

    def _report(self) -> None:
        try:
            self._allowance.report()
        except OSError as error:
            if error.errno in _FULL and self._ledger.elected():
                self._collector.make_way()
            raise
